/** What the tests of this room share: a policy with two globals, running a pickle, and looking at what came of it. */

import { atOnce } from "../../src/bytes/turns.ts"
import { type AnyCheckpointError, isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { runPickleSteps } from "../../src/pickle/machine.ts"
import type { PicklePolicy } from "../../src/pickle/machine-state.ts"
import {
  PickleDict,
  PickleFloat,
  PickleList,
  type PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "../../src/pickle/values.ts"

/** What the test policy makes: it keeps what it was asked. */
export interface Made extends PickleObject {
  readonly kind: "object:global" | "object:call" | "object:instance" | "object:persistent"
  readonly of: unknown
  readonly args?: PickleValue
}

/** Knows `known.function` and `known.Class`, and keeps every question it is asked. */
export class TestPolicy implements PicklePolicy {
  readonly asked: string[] = []
  readonly built: (readonly [PickleValue, PickleValue])[] = []

  resolveGlobal(module: string, name: string): Made | undefined {
    this.asked.push(`${module} ${name}`)
    const known = module === "known" && (name === "function" || name === "Class")
    return known ? { kind: "object:global", of: name } : undefined
  }

  call(callable: PickleValue, args: PickleTuple, _at: number, instantiate: boolean): Made {
    return { kind: instantiate ? "object:instance" : "object:call", of: callable, args }
  }

  build(target: PickleValue, state: PickleValue): void {
    this.built.push([target, state])
  }

  persistentLoad(id: PickleValue): Made {
    return { kind: "object:persistent", of: id }
  }
}

/** The value of a pickle under the test policy. */
export function load(
  bytes: Uint8Array,
  limits: Partial<Limits> = {},
  policy: PicklePolicy = new TestPolicy(),
): PickleValue {
  const options = { within: "p", policy, limits: { ...DEFAULT_LIMITS, ...limits }, budget: { opcodes: 0 } }
  return atOnce(runPickleSteps(bytes, options)).value
}

/** The `CheckpointError` that `action` throws; anything else fails the test. */
export function refusal(action: () => unknown): AnyCheckpointError {
  try {
    action()
  } catch (error) {
    if (isCheckpointError(error)) return error
    throw error
  }
  throw new Error("it was accepted")
}

/** The code of that error. */
export function refusedWith(bytes: Uint8Array, limits: Partial<Limits> = {}): string {
  return refusal(() => load(bytes, limits)).code
}

/** A value as plain data, so that a test can show what it expects: `{ float: 1 }`, `{ tuple: [] }`, a `Map` for a dict. */
export function plain(value: PickleValue): unknown {
  if (value instanceof PickleFloat) return { float: value.value }
  if (value instanceof PickleTuple) return { tuple: value.items.map(plain) }
  if (value instanceof PickleList) return value.items.map(plain)
  if (value instanceof PickleSet) return { [value.frozen ? "frozenset" : "set"]: value.items.map(plain) }
  if (value instanceof PickleDict) {
    return new Map([...value.entries()].map((entry) => [plain(entry.key), plain(entry.value)]))
  }
  return value
}
