/** A source over bytes that objects to reads which make no sense. */

import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { require } from "../target.ts"

export function watchedSource(bytes: Uint8Array): ByteSource {
  return {
    byteLength: bytes.byteLength,
    read: (offset, length) => {
      const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
      // Thrown at once, not as a rejection: the library turns those into its own error.
      require(sound && offset + length <= bytes.byteLength, `a read of ${length} bytes at ${offset}`)
      return Promise.resolve(bytes.subarray(offset, offset + length))
    },
  }
}
