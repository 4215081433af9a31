/** Reads many small regions of a source with few reads: regions that lie close together share one. */

import type { ByteSource } from "./byte-source.ts"
import { type ByteRange, readExactly } from "./read-exactly.ts"
import { turnIfDue } from "./turns.ts"

/** Windows that are read at the same time. */
const READS_IN_FLIGHT = 6

/** Bytes that one shared read may span. Regions further apart than this are read alone. */
const WINDOW_BYTES = 256 * 1024

/** Where a read is dear, what lies between is often asked for in the same turn: the source joins what is close together. */
const DEAR_GAP_BYTES = 64 * 1024

/** Windows that are read at the same time there, in bytes. */
const DEAR_BYTES = 16 * 1024 * 1024

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
  const dear = source.readCost === "high"
  const windows = planWindows(offsets, length, dear ? DEAR_GAP_BYTES : WINDOW_BYTES)
  while (windows.length > 0) {
    const batch = windows.splice(0, dear ? countWithin(windows, DEAR_BYTES) : READS_IN_FLIGHT)
    const reads = await Promise.all(batch.map((window) => readExactly(source, window, signal)))
    for (const [i, { offset, first, end }] of batch.entries()) {
      for (let index = first; index < end; index++) {
        const at = (offsets[index] as number) - offset
        visit((reads[i] as Uint8Array).subarray(at, at + length), index)
      }
      await turnIfDue(signal)
    }
  }
}

/** One read: it covers the regions `[first, end)`. */
interface RegionWindow extends ByteRange {
  readonly first: number
  readonly end: number
}

/** Windows that take `most` bytes together; one at least. */
function countWithin(windows: readonly RegionWindow[], most: number): number {
  let bytes = 0
  const over = windows.findIndex((window) => {
    bytes += window.length
    return bytes > most
  })
  return over < 0 ? windows.length : Math.max(over, 1)
}

function planWindows(offsets: readonly number[], length: number, mostGap: number): RegionWindow[] {
  const windows: RegionWindow[] = []
  for (let first = 0; first < offsets.length; ) {
    const offset = offsets[first] as number
    let end = first + 1
    for (; end < offsets.length; end++) {
      const next = offsets[end] as number
      const gap = next - (offsets[end - 1] as number) - length
      if (gap > mostGap || next + length - offset > WINDOW_BYTES) break
    }
    windows.push({ offset, length: (offsets[end - 1] as number) + length - offset, first, end })
    first = end
  }
  return windows
}
