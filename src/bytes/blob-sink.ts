/** An output as a Blob, handed over to the platform part by part: it may keep a Blob's bytes outside the heap. */

import { allocate } from "./allocate.ts"
import type { ByteSink } from "./byte-sink.ts"

/** Bytes of a part. Fewer and the Blob is made of thousands; more and they are held twice for longer. */
const PART_BYTES = 4 * 1024 * 1024

/** A sink whose `blob` holds the output after `close`. */
export class BlobSink implements ByteSink {
  readonly randomAccess = false
  blob: Blob = new Blob()
  readonly #parts: Blob[] = []
  #part: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #filled = 0

  async open(byteLength: number): Promise<void> {
    this.#part = allocate(Math.min(byteLength, PART_BYTES), "the Blob")
  }

  async write(_position: number, bytes: Uint8Array): Promise<void> {
    for (let taken = 0; taken < bytes.length; ) {
      const piece = bytes.subarray(taken, taken + this.#part.length - this.#filled)
      this.#part.set(piece, this.#filled)
      this.#filled += piece.length
      taken += piece.length
      if (this.#filled === this.#part.length) this.#handOver()
    }
  }

  async close(): Promise<void> {
    this.#handOver()
    this.blob = new Blob(this.#parts)
    this.#release()
  }

  async abort(): Promise<void> {
    this.#release()
  }

  /** The part's memory is used again: a Blob takes a copy. */
  #handOver(): void {
    if (this.#filled === 0) return
    this.#parts.push(new Blob([this.#part.subarray(0, this.#filled)]))
    this.#filled = 0
  }

  #release(): void {
    this.#parts.length = 0
    this.#part = new Uint8Array(0)
  }
}
