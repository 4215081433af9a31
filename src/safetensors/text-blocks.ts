/** Text that is written piece by piece, whose size in UTF-8 is known as it grows. */

/** UTF-16 units that are gathered before they are counted: large enough that counting costs little per piece. */
const BLOCK_UNITS = 65_536

const ASCII = /^[\0-\x7f]*$/

/** Gathers text. */
export class TextBlocks {
  readonly #encoder = new TextEncoder()
  readonly #blocks: string[] = []
  readonly #onGrow: (byteLength: number) => void
  #pending = ""
  #byteLength = 0

  /** `onGrow` is told the size after each block, and stops the writing by throwing. */
  constructor(onGrow: (byteLength: number) => void) {
    this.#onGrow = onGrow
  }

  /** Adds well-formed text. */
  add(text: string): void {
    this.#pending += text
    if (this.#pending.length >= BLOCK_UNITS) this.#flush()
  }

  /** Adds spaces up to a multiple of `size` bytes, and returns how many bytes there are. */
  padTo(size: number): number {
    this.#flush()
    const missing = (size - (this.#byteLength % size)) % size
    this.#pending = " ".repeat(missing)
    this.#byteLength += missing
    return this.#byteLength
  }

  /** Everything so far. */
  get text(): string {
    return this.#blocks.join("") + this.#pending
  }

  #flush(): void {
    if (this.#pending === "") return
    const block = this.#pending
    this.#pending = ""
    this.#blocks.push(block)
    this.#byteLength += ASCII.test(block) ? block.length : this.#encoder.encode(block).byteLength
    this.#onGrow(this.#byteLength)
  }
}
