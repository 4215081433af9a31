/** Random access to deflated extents. Reading forward is cheap; going back inflates again from the start. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { type InflateExtent, inflateExtent } from "../bytes/read-extent.ts"
import { requireWithinScaled } from "../limits/require-within.ts"

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
  readonly #budget: InflateBudget
  readonly #signal: AbortSignal | undefined
  readonly #inflate: InflateExtent
  #open: OpenStream | undefined

  constructor(
    budget: InflateBudget,
    signal: AbortSignal | undefined,
    inflate: InflateExtent | undefined = inflateExtent,
  ) {
    this.#inflate = inflate
    this.#budget = budget
    this.#signal = signal
  }

  /**
   * Fills `target` with the decoded bytes from `offset`, which lie within the extent.
   *
   * @throws as `inflateExtent`; `limit-exceeded` when the budget is spent.
   */
  async readInto(extent: ByteExtent, offset: number, target: Uint8Array): Promise<void> {
    const kept = this.#open
    const goesOn = kept !== undefined && kept.extent === extent && kept.position <= offset
    if (!goesOn) await this.close()
    const stream = goesOn ? kept : this.#start(extent)
    // A stream that fails is of no more use: it is kept only once the bytes are there.
    this.#open = undefined
    await this.#fill(stream, offset, target)
    // Running the decoder to its end makes it check that every byte was used.
    if (stream.position === extent.byteLength) await stream.chunks.next()
    else this.#open = stream
  }

  async close(): Promise<void> {
    const stream = this.#open
    this.#open = undefined
    await stream?.chunks.return(undefined)
  }

  #start(extent: ByteExtent): OpenStream {
    return { extent, chunks: this.#inflate(extent, this.#signal), position: 0, rest: new Uint8Array(0) }
  }

  async #fill(stream: OpenStream, offset: number, target: Uint8Array): Promise<void> {
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
      this.#budget.take(stream.rest.length, stream.extent.name)
    }
  }
}

/** Bytes that may be inflated, all in all: going back in a deflated entry inflates it again, as often as a file asks. */
export class InflateBudget {
  readonly #allowed: number
  #taken = 0

  constructor(allowed: number) {
    this.#allowed = allowed
  }

  /** Begins anew: for work that is another request of the caller's own. */
  renew(): void {
    this.#taken = 0
  }

  /** @throws `limit-exceeded` when `bytes` more are too many. */
  take(bytes: number, within: string): void {
    this.#taken += bytes
    requireWithinScaled({ limit: "inflateRatio", allowed: this.#allowed }, this.#taken, within)
  }
}
