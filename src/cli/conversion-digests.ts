/** The SHA-256 of what a conversion reads and of what it writes, for its report. */

import type { ByteSource } from "../node/index.ts"
import { sha256Of } from "../node/sha256.ts"

/** In lower-case hex; null where nobody asked, or where there is no file to hash. */
export interface Digests {
  readonly input: string | null
  readonly output: string | null
}

/** Hashes the input beside the conversion, and the output when it has been written. */
export class ConversionDigests {
  readonly #source: ByteSource
  readonly #stopping = new AbortController()
  readonly #signal: AbortSignal
  readonly #input: Promise<string>
  #output: string | null = null

  /** `known` is the input's digest, when it has been taken already. */
  constructor(source: ByteSource, known: string | undefined, signal: AbortSignal) {
    this.#source = source
    this.#signal = AbortSignal.any([signal, this.#stopping.signal])
    this.#input = known === undefined ? sha256Of(source, this.#signal) : Promise.resolve(known)
    // Whoever waits for it learns that it failed.
    this.#input.catch(() => {})
  }

  /** Waits for both. The output gets its name only when the digests are of what was read and written. */
  readonly beforeNaming = async (written: ByteSource): Promise<void> => {
    const [, output] = await Promise.all([this.#input, sha256Of(written, this.#signal)])
    await this.#source.assertUnchanged?.()
    this.#output = output
  }

  async result(): Promise<Digests> {
    return { input: await this.#input, output: this.#output }
  }

  /** Ends what is still under way: descriptors may be closed when this resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the conversion has ended"))
    await this.#input.catch(() => {})
  }
}
