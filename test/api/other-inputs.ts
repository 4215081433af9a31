/** Inputs of other libraries: buffers that are fetched in slices, and Blobs whose bytes are elsewhere. */

import type { AsyncBuffer, BlobLike } from "../../src/index.ts"

/** As hyparquet makes one of a URL. */
export function bufferOf(bytes: Uint8Array<ArrayBuffer>, atOnce = false): AsyncBuffer {
  return {
    byteLength: bytes.length,
    slice(start, end) {
      const slice = bytes.slice(start, end).buffer
      return atOnce ? slice : Promise.resolve(slice)
    },
  }
}

/** As the `WebBlob` of @huggingface/hub: a Blob that the platform takes for an empty one. */
export class BlobThatFetches extends Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    super([])
    this.#bytes = bytes
  }

  override get size(): number {
    return this.#bytes.length
  }

  override slice(start = 0, end = this.size): BlobThatFetches {
    return new BlobThatFetches(this.#bytes.slice(start, end))
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer
  }

  /** The same without being a Blob. */
  plain(): BlobLike {
    return {
      size: this.size,
      slice: (start, end) => this.slice(start, end),
      arrayBuffer: () => this.arrayBuffer(),
    }
  }
}
