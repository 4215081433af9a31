/** An output in memory, allocated once at its exact size. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteSink } from "./byte-sink.ts"
import { WRITE_FAILED } from "./errors.ts"

/** A sink whose `bytes` hold the output after `close`. */
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
