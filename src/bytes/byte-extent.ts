/** A run of bytes that has not been read: which source, from where, how long, and how it is coded. */

import type { ByteSource } from "./byte-source.ts"

/** Bytes of a source, as they are or deflated. */
export interface ByteExtent {
  readonly source: ByteSource
  /** Byte offset in `source` (file coordinates). */
  readonly offset: number
  /** Bytes it takes in `source`. Equal to `byteLength` unless deflated. */
  readonly storedLength: number
  /** Bytes it holds once decoded. */
  readonly byteLength: number
  readonly coding: "stored" | "deflate"
  /** CRC-32 of the decoded bytes; undefined when the container keeps none. */
  readonly crc32: number | undefined
  /** What to call it in messages: an archive member, or the file. */
  readonly name: string
}
