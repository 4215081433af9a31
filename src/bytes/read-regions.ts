/** Reads many small regions of a source with few reads: regions that lie close together share one. */

import type { ByteSource } from "./byte-source.ts"
import { readExactly } from "./read-exactly.ts"

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
  for (let first = 0; first < offsets.length; ) {
    const start = offsets[first] as number
    let last = first
    while (last + 1 < offsets.length && (offsets[last + 1] as number) + length - start <= WINDOW_BYTES) last++
    const windowLength = (offsets[last] as number) + length - start
    const window = await readExactly(source, { offset: start, length: windowLength }, signal)
    for (let index = first; index <= last; index++) {
      const at = (offsets[index] as number) - start
      visit(window.subarray(at, at + length), index)
    }
    first = last + 1
  }
}
