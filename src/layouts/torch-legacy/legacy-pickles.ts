/** Finds the five pickles at the start of a legacy file, whose lengths are written nowhere. */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import { inTurns } from "../../bytes/turns.ts"
import { isCheckpointError } from "../../errors/checkpoint-error.ts"
import type { Limits } from "../../limits/limits.ts"
import { requireWithin } from "../../limits/require-within.ts"
import { findPickleEndSteps } from "../../pickle/decode.ts"

/** Bytes read first; most files have all five pickles in them. Each further read takes four times as much. */
const FIRST_READ_BYTES = 256 * 1024
const GROWTH = 4

const NAMES = ["magic number", "protocol version", "system info", "object", "storage keys"] as const

export type LegacyPickleName = (typeof NAMES)[number]

/** The head of the file, where each pickle begins in it, and where the last one ends. */
export interface LegacyPickles {
  readonly bytes: Uint8Array
  /** In file order. Ends with the first pickle that is broken or cut off: what lies behind it cannot be found. */
  readonly starts: ReadonlyMap<LegacyPickleName, number>
  readonly end: number
}

/**
 * Reads as much of the head as the five pickles take. A broken pickle is no error here: the machine says what is wrong
 * with it, and which globals it names.
 *
 * @throws `limit-exceeded` when they take more than `maxPickleBytes`.
 */
export async function readLegacyPickles(
  source: ByteSource,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<LegacyPickles> {
  const starts = new Map<LegacyPickleName, number>()
  const most = Math.min(source.byteLength, limits.maxPickleBytes)
  let end = 0
  for (let wanted = FIRST_READ_BYTES; ; wanted *= GROWTH) {
    const bytes = await readExactly(source, { offset: 0, length: Math.min(wanted, most) }, signal)
    const isWhole = bytes.byteLength === source.byteLength
    for (let name = NAMES[starts.size]; name !== undefined; name = NAMES[starts.size]) {
      const next = await findEnd(bytes, end, name, limits, signal)
      if (next === "cut off" && !isWhole) break
      starts.set(name, end)
      if (typeof next === "string") return { bytes, starts, end }
      end = next
    }
    if (starts.size === NAMES.length) return { bytes, starts, end }
    if (bytes.byteLength === most) {
      requireWithin(limits, "maxPickleBytes", most + 1, `${NAMES[starts.size]} pickle`)
    }
  }
}

async function findEnd(
  bytes: Uint8Array,
  start: number,
  name: LegacyPickleName,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<number | "cut off" | "broken"> {
  try {
    return (await inTurns(findPickleEndSteps(bytes, start, `${name} pickle`, limits), signal)) ?? "cut off"
  } catch (error) {
    if (isCheckpointError(error)) return "broken"
    throw error
  }
}
