/** A part of a source as a source. */

import type { ByteSource } from "./byte-source.ts"

/** The `byteLength` bytes of `source` from `offset` on. Closing it, or asking whether it changed, is for the whole. */
export function sliceSource(source: ByteSource, offset: number, byteLength: number): ByteSource {
  const { readCost = "low" } = source
  return { byteLength, readCost, read: (at, length, signal) => source.read(offset + at, length, signal) }
}
