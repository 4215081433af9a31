/** Text that is written piece by piece and kept as UTF-8 in blocks, so that its size is known as it grows. */

/** UTF-16 units that are gathered before they are encoded: large enough that encoding costs little per piece. */
const BLOCK_UNITS = 65_536

/** Gathers text. */
export class TextBlocks {
  readonly #encoder = new TextEncoder()
  readonly #blocks: Uint8Array[] = []
  readonly #onGrow: (byteLength: number) => void
  #pending = ""
  #encodedBytes = 0

  /** `onGrow` is told the size after each block, and stops the writing by throwing. */
  constructor(onGrow: (byteLength: number) => void) {
    this.#onGrow = onGrow
  }

  /** Adds well-formed text. */
  add(text: string): void {
    this.#pending += text
    if (this.#pending.length >= BLOCK_UNITS) this.#flush()
  }

  /** Bytes of UTF-8 so far. */
  get byteLength(): number {
    this.#flush()
    return this.#encodedBytes
  }

  /** Copies everything to `target` from `offset` on, and returns the offset after it. */
  copyTo(target: Uint8Array, offset: number): number {
    this.#flush()
    let at = offset
    for (const block of this.#blocks) {
      target.set(block, at)
      at += block.byteLength
    }
    return at
  }

  #flush(): void {
    if (this.#pending === "") return
    const block = this.#encoder.encode(this.#pending)
    this.#pending = ""
    this.#blocks.push(block)
    this.#encodedBytes += block.byteLength
    this.#onGrow(this.#encodedBytes)
  }
}
