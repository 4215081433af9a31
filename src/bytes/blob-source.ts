/** A `Blob` or `File` as a source. Only the slices that are read come into memory. */

import type { ByteSource } from "./byte-source.ts"

/** What reading a `Blob` takes: one of another realm has it, and so has a class that only looks like one. */
export interface BlobLike {
  /** Bytes. */
  readonly size: number
  slice(start?: number, end?: number): { arrayBuffer(): Promise<ArrayBuffer> }
  arrayBuffer(): Promise<ArrayBuffer>
}

/** A source over `blob`. One of this realm's own stays reachable, so that its slices can be handed on unread. */
export function blobSource(blob: BlobLike): ByteSource {
  return {
    byteLength: blob.size,
    ...(isPlainBlob(blob) ? { blob } : {}),
    async read(offset, length) {
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
}

/**
 * Whether a Blob can be made of slices of `blob`. A class that extends Blob may keep its bytes elsewhere (`WebBlob` of
 * @huggingface/hub fetches them), and the platform, which looks at none of its methods, would take it for empty.
 */
function isPlainBlob(blob: BlobLike): blob is Blob {
  const prototype: unknown = Object.getPrototypeOf(blob)
  return prototype === Blob.prototype || (typeof File === "function" && prototype === File.prototype)
}
