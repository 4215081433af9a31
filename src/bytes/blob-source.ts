/** A `Blob` or `File` as a source. Only the slices that are read come into memory. */

import type { ByteSource } from "./byte-source.ts"

/** A source over `blob`, which stays reachable so that its slices can be handed on unread. */
export function blobSource(blob: Blob): ByteSource {
  return {
    byteLength: blob.size,
    blob,
    async read(offset, length) {
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
}
