/** Outputs in memory, as a Blob, and into a stream. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteSink } from "./byte-sink.ts"
import { WRITE_FAILED } from "./errors.ts"
import { allocate } from "./failures.ts"

/** A sink whose `bytes`, allocated once, hold the output after `close`. */
export class MemorySink implements ByteSink {
  readonly randomAccess = true
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)

  async open(byteLength: number): Promise<void> {
    try {
      this.bytes = new Uint8Array(byteLength)
    } catch (cause) {
      const reason = `${byteLength} bytes do not fit into one array in memory`
      throw new CheckpointError(WRITE_FAILED, { reason }, { cause })
    }
  }

  placeFor(position: number, length: number): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(position, position + length)
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    this.bytes.set(bytes, position)
  }

  async close(): Promise<void> {}

  async abort(): Promise<void> {
    this.bytes = new Uint8Array(0)
  }
}

/**
 * Handed over to the platform at once: it may keep a Blob's bytes outside the heap. Fewer and the Blob is made of
 * thousands; more and they are held twice for longer.
 */
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

/** A sink over `stream`, in order and with its own backpressure. It locks it, and closes or aborts it at the end. */
export function writableStreamSink(stream: WritableStream<Uint8Array>): ByteSink {
  const writer = stream.getWriter()
  // A stream that fails rejects `closed` too; the failing write is what gets reported.
  writer.closed.catch(() => {})
  return {
    randomAccess: false,
    async write(_position, bytes) {
      await writer.ready
      // A stream may keep what it is given, and the caller's buffer is used again.
      await writer.write(bytes.slice())
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  }
}
