/** Reads many small regions of a source with few reads: regions that lie close together share one. */

import type { ByteSource } from "./byte-source.ts"
import { coalesce } from "./coalesce.ts"
import { type ByteRange, readExactly } from "./read-exactly.ts"
import { turnIfDue } from "./turns.ts"

/** Windows that are read at the same time. */
const READS_IN_FLIGHT = 6

/** Bytes that one shared read may span. Regions further apart than this are read alone. */
const WINDOW_BYTES = 256 * 1024

/** Over a network what lies between is often asked for in the same turn: the source joins what is close together. */
const NETWORK_GAP_BYTES = 64 * 1024

/** Windows that are read at the same time there, in bytes. */
const NETWORK_BYTES = 16 * 1024 * 1024

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
  const overNetwork = source.readCost === "high"
  const joining = { maxGap: overNetwork ? NETWORK_GAP_BYTES : WINDOW_BYTES, maxLength: WINDOW_BYTES }
  const endOf = (offset: number): number => offset + length
  const windows = [...coalesce(offsets, (offset) => offset, endOf, joining)]
  let index = 0
  while (windows.length > 0) {
    const batch = windows.splice(0, overNetwork ? countWithin(windows, NETWORK_BYTES) : READS_IN_FLIGHT)
    const reads = await Promise.all(batch.map((window) => readExactly(source, window, signal)))
    for (const [i, { offset, items }] of batch.entries()) {
      for (const region of items) {
        const at = region - offset
        visit((reads[i] as Uint8Array).subarray(at, at + length), index++)
      }
      await turnIfDue(signal)
    }
  }
}

/** Windows that take `most` bytes together; one at least. */
function countWithin(windows: readonly ByteRange[], most: number): number {
  let bytes = 0
  const over = windows.findIndex((window) => {
    bytes += window.length
    return bytes > most
  })
  return over < 0 ? windows.length : Math.max(over, 1)
}
