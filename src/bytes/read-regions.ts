/** Reads many small regions of a source with few reads: regions that lie close together share one. */

import type { ByteSource } from "./byte-source.ts"
import { type ByteRange, readExactly } from "./read-exactly.ts"

/** Windows that are read at the same time. */
const READS_IN_FLIGHT = 6

/** Bytes that one shared read may span. Regions further apart than this are read alone. */
const WINDOW_BYTES = 256 * 1024

/**
 * Hands the bytes of `[offset, offset + length)` for each of the ascending `offsets` to `visit`, in order. The bytes
 * are valid only during the call.
 */
export async function readRegions(
  source: ByteSource,
  offsets: readonly number[],
  length: number,
  visit: (bytes: Uint8Array, index: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const windows = planWindows(offsets, length)
  while (windows.length > 0) {
    const batch = windows.splice(0, READS_IN_FLIGHT)
    const reads = await Promise.all(batch.map((window) => readExactly(source, window, signal)))
    for (const [i, { offset, first, end }] of batch.entries()) {
      for (let index = first; index < end; index++) {
        const at = (offsets[index] as number) - offset
        visit((reads[i] as Uint8Array).subarray(at, at + length), index)
      }
    }
  }
}

/** One read: it covers the regions `[first, end)`. */
interface RegionWindow extends ByteRange {
  readonly first: number
  readonly end: number
}

function planWindows(offsets: readonly number[], length: number): RegionWindow[] {
  const windows: RegionWindow[] = []
  for (let first = 0; first < offsets.length; ) {
    const offset = offsets[first] as number
    let end = first + 1
    while (end < offsets.length && (offsets[end] as number) + length - offset <= WINDOW_BYTES) end++
    windows.push({ offset, length: (offsets[end - 1] as number) + length - offset, first, end })
    first = end
  }
  return windows
}
