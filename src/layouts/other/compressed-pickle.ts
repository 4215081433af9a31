/**
 * A pickle in a gzip or zlib stream, as joblib and people write them: its beginning is inflated, and what that names is
 * listed. Other compressions (bzip2, xz, lz4, Zstandard) are not looked into.
 */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"

/** Compressed bytes that are looked at, and bytes that they may inflate to. */
const MOST_STORED_BYTES = 1024 * 1024
const MOST_INFLATED_BYTES = 4 * 1024 * 1024

/** What a stream is called, and what inflates it. */
export interface Compression {
  readonly name: "gzip" | "zlib"
  readonly format: "gzip" | "deflate"
}

/** RFC 1952 and RFC 1950: of zlib the first two bytes are a multiple of 31, and the method is 8 with a window of 32 KiB. */
export function compressionOf([first = 0, second = 0]: Uint8Array): Compression | undefined {
  if (first === 0x1f && second === 0x8b) return { name: "gzip", format: "gzip" }
  const isZlib = first === 0x78 && (first * 256 + second) % 31 === 0
  return isZlib ? { name: "zlib", format: "deflate" } : undefined
}

/** The beginning of what the stream holds. What is broken or cut ends it. */
export async function inflateBeginning(
  source: ByteSource,
  { format }: Compression,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const length = Math.min(source.byteLength, MOST_STORED_BYTES)
  const stored = await readExactly(source, { offset: 0, length }, signal)
  const stream = new Blob([new Uint8Array(stored)]).stream().pipeThrough(new DecompressionStream(format))
  const reader = stream.getReader()
  const bytes = new Uint8Array(MOST_INFLATED_BYTES)
  let filled = 0
  try {
    while (filled < bytes.length) {
      signal?.throwIfAborted()
      const { done, value } = await reader.read()
      if (done) break
      const part = value.subarray(0, bytes.length - filled)
      bytes.set(part, filled)
      filled += part.length
    }
  } catch {
    signal?.throwIfAborted()
  }
  await reader.cancel().catch(() => {})
  return bytes.subarray(0, filled)
}
