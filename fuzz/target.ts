/** What a fuzz target is. */

import { type AnyCheckpointError, isCheckpointError } from "../src/errors/checkpoint-error.ts"
import type { Random } from "./engine/random.ts"

/** One way into the library for bytes from a stranger. */
export interface FuzzTarget {
  /** Paths below `src` whose branches the report counts. All of `src` guides the search. */
  readonly rooms: readonly string[]
  /** Longest input in bytes. */
  readonly maxLength: number
  /**
   * Gives `bytes` to the library. Returns a word for what came of it, "accepted" or the code of a `CheckpointError`.
   * Whatever it throws is a finding.
   */
  run(bytes: Uint8Array): Promise<string> | string
  /** Optional: changes that know the format. `other` is another input of the corpus. */
  mutate?(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array
}

/** Two answers that must be one. */
export class Mismatch extends Error {
  override readonly name = "Mismatch"
}

/** Throws a `Mismatch` that says `problem` unless `holds`. */
export function require(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Mismatch(problem)
}

/** Either what `action` gave, or the `CheckpointError` that it threw; everything else is thrown on. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: AnyCheckpointError }

export async function outcomeOf<T>(action: () => Promise<T> | T): Promise<Outcome<T>> {
  try {
    return { value: await action() }
  } catch (error) {
    if (isCheckpointError(error)) return { error: requireWellFormed(error) }
    throw error
  }
}

/** As `outcomeOf`, for what does not wait. */
export function outcomeOfSync<T>(action: () => T): Outcome<T> {
  try {
    return { value: action() }
  } catch (error) {
    if (isCheckpointError(error)) return { error: requireWellFormed(error) }
    throw error
  }
}

/** Longest message that bytes of a few KiB may cause: paths, names and globals in it are cut. */
const MOST_MESSAGE_UNITS = 20_000

/** Control characters and what changes the direction of text must not reach a terminal. */
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/

/** An error must be sayable: a message that is safe to print, and a JSON form. */
function requireWellFormed(error: AnyCheckpointError): AnyCheckpointError {
  require(error.message.length > 0 &&
    error.message.length < MOST_MESSAGE_UNITS, `${error.code}: a message of ${error.message.length} units`)
  require(!UNSAFE.test(
    error.message,
  ), `${error.code}: the message holds a control character: ${JSON.stringify(error.message)}`)
  require(error.nextStep.length > 0, `${error.code}: no next step`)
  return error
}
