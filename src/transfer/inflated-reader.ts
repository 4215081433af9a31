/** Random access to deflated extents. Reading forward is cheap; going back inflates again from the start. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { inflateExtent } from "../bytes/inflate.ts"

interface OpenStream {
  readonly extent: ByteExtent
  readonly chunks: AsyncGenerator<Uint8Array>
  /** Decoded offset of the first byte of `rest`. */
  position: number
  /** Decoded bytes that have not been asked for. */
  rest: Uint8Array
}

/** Holds one stream open. Calls must not overlap. */
export class InflatedReader {
  readonly #signal: AbortSignal | undefined
  #open: OpenStream | undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
  }

  /** Fills `target` with the decoded bytes from `offset`, which lie within the extent. */
  async readInto(extent: ByteExtent, offset: number, target: Uint8Array): Promise<void> {
    if (this.#open?.extent !== extent || this.#open.position > offset) await this.#restart(extent)
    const stream = this.#open as OpenStream
    let filled = 0
    while (filled < target.length) {
      const skip = offset + filled - stream.position
      if (skip < stream.rest.length) {
        const part = stream.rest.subarray(skip, skip + target.length - filled)
        target.set(part, filled)
        filled += part.length
        stream.position += skip + part.length
        stream.rest = stream.rest.subarray(skip + part.length)
        continue
      }
      stream.position += stream.rest.length
      // The decoder throws unless the extent yields exactly its length, so there is a next chunk.
      stream.rest = (await stream.chunks.next()).value as Uint8Array
    }
    if (stream.position === extent.byteLength) await this.#finish(stream)
  }

  async close(): Promise<void> {
    const stream = this.#open
    this.#open = undefined
    await stream?.chunks.return(undefined)
  }

  async #restart(extent: ByteExtent): Promise<void> {
    await this.close()
    const chunks = inflateExtent(extent, this.#signal)
    this.#open = { extent, chunks, position: 0, rest: new Uint8Array(0) }
  }

  /** Runs the decoder to its end, where it checks that every byte was used. */
  async #finish(stream: OpenStream): Promise<void> {
    this.#open = undefined
    await stream.chunks.next()
  }
}
