/** Bytes that are already in memory, as a source. Reading costs nothing: it hands out views. */

import type { ByteSource } from "./byte-source.ts"

/** A source over `bytes`, which must not change while it is used. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    byteLength: bytes.byteLength,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  }
}
