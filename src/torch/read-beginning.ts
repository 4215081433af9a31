/** The first bytes of an extent, decoded. They are checked against no checksum: that is of the whole. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { type InflateExtent, inflateExtent } from "../bytes/inflate.ts"
import { readExactly } from "../bytes/read-exactly.ts"

/** `length` bytes of `extent`, which has been located and has as many. */
export async function readBeginning(
  extent: ByteExtent,
  length: number,
  {
    signal,
    inflate = inflateExtent,
  }: { readonly signal?: AbortSignal | undefined; readonly inflate?: InflateExtent | undefined },
): Promise<Uint8Array> {
  const { source, offset, name } = extent
  if (extent.coding === "stored") return readExactly(source, { offset, length }, signal, name)
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const chunk of inflate(extent, signal)) {
    const part = chunk.subarray(0, length - filled)
    bytes.set(part, filled)
    filled += part.length
    if (filled === length) break
  }
  return bytes
}
