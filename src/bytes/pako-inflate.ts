/**
 * The portable inflater: pako 3, in a chunk of its own.
 *
 * pako is zlib's own code in JavaScript, so that broken data is refused here where zlib refuses it: distances before the
 * beginning, stored blocks whose length is not confirmed, codes that are incomplete. It stops where the data ends and
 * says nothing of what follows. So the last byte is fed alone: the data must not have ended before, and must end then.
 */

import { Inflate } from "pako"
import {
  type ByteExtent,
  endsEarly,
  endsLate,
  inflatesToLess,
  inflatesToMore,
  isBroken,
  requirePossible,
} from "./byte-extent.ts"
import { readExactly } from "./read-exactly.ts"
import { turnIfDue } from "./turns.ts"

/** Bytes fed at once. What a step yields is held, so a step holds at most 1,032 times this: 16 MiB. */
const STEP_BYTES = 16_384

/** Bytes read at once. */
const READ_BYTES = 262_144

/** Bytes of the chunks that come out. */
const CHUNK_BYTES = 65_536

/** See `inflateExtent`. */
export async function* pakoInflate(extent: ByteExtent, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const { source, offset, storedLength, name } = extent
  requirePossible(extent)
  const inflater = new ExactInflater(extent, new Inflate({ raw: true, chunkSize: CHUNK_BYTES }))
  for (let done = 0; done < storedLength; done += READ_BYTES) {
    const range = { offset: offset + done, length: Math.min(READ_BYTES, storedLength - done) }
    const bytes = await readExactly(source, range, signal, name)
    for (let step = 0; step < bytes.length; step += STEP_BYTES) {
      signal?.throwIfAborted()
      await turnIfDue(signal)
      yield* inflater.push(bytes.subarray(step, step + STEP_BYTES))
    }
  }
  inflater.finish()
}

/** pako, held to what the extent claims. */
class ExactInflater {
  readonly #extent: ByteExtent
  readonly #inflate: Inflate
  #chunks: Uint8Array[] = []
  #fed = 0
  #produced = 0

  constructor(extent: ByteExtent, inflate: Inflate) {
    this.#extent = extent
    this.#inflate = inflate
    inflate.onData = (chunk) => {
      this.#produced += chunk.length
      if (this.#produced > extent.byteLength) throw inflatesToMore(extent)
      if (chunk.length > 0) this.#chunks.push(chunk)
    }
  }

  /** Feeds `bytes` and returns what they give. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    this.#chunks = []
    const isLast = this.#fed + bytes.length === this.#extent.storedLength
    if (isLast) {
      this.#feed(bytes.subarray(0, -1))
      this.#feed(bytes.subarray(-1))
    } else {
      this.#feed(bytes)
    }
    return this.#chunks
  }

  /** Checks that all was consumed and produced. */
  finish(): void {
    if (!this.#inflate.ended) throw endsLate(this.#extent)
    if (this.#produced !== this.#extent.byteLength) throw inflatesToLess(this.#extent, this.#produced)
  }

  #feed(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#fed += bytes.length
    this.#inflate.push(bytes, false)
    const { err, msg, ended } = this.#inflate
    if (err !== 0) throw isBroken(this.#extent, msg === "" ? `error ${err}` : msg)
    if (ended && this.#fed < this.#extent.storedLength) throw endsEarly(this.#extent)
  }
}
