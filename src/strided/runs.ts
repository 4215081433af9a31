/** The runs that a window is made of: which are read at once, and where they go. */

import type { GatherBlock } from "../plan/gather-blocks.ts"
import { SIEVED_GAP_BYTES } from "../plan/gather-blocks.ts"

/** Bytes of one read of several runs. */
const SIEVE_BYTES = 512 * 1024

/** Runs up to this are copied byte by byte: a view of an array takes longer to make. */
const SHORT_RUN_BYTES = 32

/** Runs that are read at once, and where the first goes in the window; the others follow it there. */
export interface RunGroup {
  /** Byte offsets in the extent, ascending. */
  readonly offsets: readonly number[]
  readonly at: number
}

/** The runs of `block`, those that follow close upon one another together. */
export function* groupRuns({ runElements, runOffsets }: GatherBlock, itemBytes: number): Generator<RunGroup> {
  const runBytes = runElements * itemBytes
  let offsets: number[] = []
  let at = 0
  for (const element of runOffsets()) {
    const offset = element * itemBytes
    const [first = offset] = offsets
    const gap = offset - (offsets.at(-1) ?? offset) - runBytes
    const goesOn = gap >= 0 && gap <= SIEVED_GAP_BYTES && offset + runBytes - first <= SIEVE_BYTES
    if (offsets.length > 0 && !goesOn) {
      yield { offsets, at }
      at += offsets.length * runBytes
      offsets = []
    }
    offsets.push(offset)
  }
  if (offsets.length > 0) yield { offsets, at }
}

/** Bytes from the first to the last that a group is read with, gaps and all. */
export function groupLength({ offsets }: RunGroup, runBytes: number): number {
  return (offsets.at(-1) ?? 0) + runBytes - (offsets[0] ?? 0)
}

/** Copies the runs of a group out of `bytes`, which were read from the first on, to their place in `window`. */
export function packGroup(
  { offsets, at }: RunGroup,
  runBytes: number,
  bytes: Uint8Array,
  window: Uint8Array,
): void {
  const [first = 0] = offsets
  let target = at
  for (const offset of offsets) {
    const start = offset - first
    if (runBytes > SHORT_RUN_BYTES) window.set(bytes.subarray(start, start + runBytes), target)
    else for (let i = 0; i < runBytes; i++) window[target + i] = bytes[start + i] as number
    target += runBytes
  }
}
