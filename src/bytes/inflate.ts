/**
 * DEFLATE in bounded memory, and not a byte more or less than the container claims (RFC 1951). The portable inflater is
 * loaded when it is needed: torch stores, so most checkpoints have nothing to inflate.
 */

import type { ByteExtent } from "./byte-extent.ts"

/** `inflateExtent`, or what a runtime has for it that is faster and as strict. */
export type InflateExtent = (extent: ByteExtent, signal?: AbortSignal) => AsyncGenerator<Uint8Array>

/**
 * The decoded bytes of `extent`, whose coding is deflate, in order and in chunks that are not empty. What came before
 * an error must not be used.
 *
 * @throws `inflate` when the data is broken, or does not end at its last byte, or does not give `byteLength` bytes;
 *   and as `readExactly`.
 */
export async function* inflateExtent(extent: ByteExtent, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const { pakoInflate } = await import("./pako-inflate.ts")
  yield* pakoInflate(extent, signal)
}
