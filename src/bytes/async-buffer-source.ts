/** An object that hands out slices of bytes, as hyparquet's `AsyncBuffer` does, as a source. */

import type { ByteSource } from "./byte-source.ts"

/** Bytes that are fetched slice by slice. An `ArrayBuffer` of another realm is one too. */
export interface AsyncBuffer {
  /** Length in bytes. It must not change while the buffer is used. */
  readonly byteLength: number
  /** The bytes of `[start, end)`. */
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>
}

/** A source over `buffer`. */
export function asyncBufferSource(buffer: AsyncBuffer): ByteSource {
  return {
    byteLength: buffer.byteLength,
    async read(offset, length) {
      const slice: unknown = await buffer.slice(offset, offset + length)
      // Whoever reads says what is wrong with an answer that is neither.
      return (isArrayBuffer(slice) ? new Uint8Array(slice) : slice) as Uint8Array
    },
  }
}

/** Also one of another realm, which `instanceof` would not know. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]"
}

/** Memory that threads share. */
export function isSharedArrayBuffer(value: unknown): value is SharedArrayBuffer {
  return Object.prototype.toString.call(value) === "[object SharedArrayBuffer]"
}
