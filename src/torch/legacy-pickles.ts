/** Finds the five pickles at the start of a legacy file, whose lengths are written nowhere. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { CheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { findPickleEnd } from "../pickle/find-end.ts"

/** Bytes read first; most files have all five pickles in them. Each further read takes four times as much. */
const FIRST_READ_BYTES = 256 * 1024
const GROWTH = 4

const NAMES = ["magic number", "protocol version", "system info", "object", "storage keys"] as const

/** The head of the file, where each pickle begins in it, and where the last one ends. */
export interface LegacyPickles {
  readonly bytes: Uint8Array
  readonly starts: Readonly<Record<(typeof NAMES)[number], number>>
  readonly end: number
}

/** Reads as much of the head as the five pickles take, at most `maxPickleBytes`. */
export async function readLegacyPickles(
  source: ByteSource,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<LegacyPickles> {
  const starts: Record<string, number> = {}
  let found = 0
  let at = 0
  for (let length = FIRST_READ_BYTES; ; length *= GROWTH) {
    const bytes = await readExactly(
      source,
      { offset: 0, length: Math.min(length, source.byteLength) },
      signal,
    )
    for (let name = NAMES[found]; name !== undefined; name = NAMES[found]) {
      const end = findPickleEnd(bytes, at, `${name} pickle`, limits)
      if (end === undefined) break
      starts[name] = at
      at = end
      found++
    }
    if (found === NAMES.length) return { bytes, starts: starts as LegacyPickles["starts"], end: at }
    if (bytes.byteLength === source.byteLength) {
      const problem = `the file ends within its ${NAMES[found]} pickle`
      throw new CheckpointError("pickle-truncated", { at: bytes.byteLength, problem })
    }
    requireWithin(limits, "maxPickleBytes", bytes.byteLength, `${NAMES[found]} pickle`)
  }
}
