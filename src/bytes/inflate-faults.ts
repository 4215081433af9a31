/** What can be wrong with deflated data, in the same words whoever inflates it. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteExtent } from "./byte-extent.ts"
import { INFLATE } from "./errors.ts"

/** Deflate makes at most 258 bytes of 2 bits. */
const MAX_EXPANSION = 1032

/** @throws `inflate` when no data of that length could give so many bytes. */
export function requirePossible(extent: ByteExtent): void {
  const { storedLength, byteLength } = extent
  if (byteLength <= storedLength * MAX_EXPANSION) return
  throw fault(extent, `${storedLength} bytes cannot inflate to ${byteLength}`)
}

export function isBroken(extent: ByteExtent, reason: string): CheckpointError {
  return fault(extent, `the deflate data is broken (${reason})`)
}

export function endsEarly(extent: ByteExtent): CheckpointError {
  return fault(extent, `the deflate data ends before the last of its ${extent.storedLength} bytes`)
}

export function endsLate(extent: ByteExtent): CheckpointError {
  return fault(extent, `the deflate data does not end within its ${extent.storedLength} bytes`)
}

export function inflatesToMore(extent: ByteExtent): CheckpointError {
  return fault(extent, `it inflates to more than its ${extent.byteLength} bytes`)
}

export function inflatesToLess(extent: ByteExtent, produced: number): CheckpointError {
  return fault(extent, `it inflates to ${produced} bytes, ${extent.byteLength} are claimed`)
}

function fault({ name, offset }: ByteExtent, problem: string): CheckpointError {
  return new CheckpointError(INFLATE, { within: name, at: offset, problem })
}
