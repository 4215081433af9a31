/** The memo of a pickle: values by number, of which only those are kept that the pickle reads back. */

export class Memo<Value> {
  /** Undefined when every entry may be read. */
  readonly #reads: ReadonlySet<number> | undefined
  readonly #kept = new Map<number, Value>()
  /** Entries 0 to here have been stored. Picklers count up from zero. */
  #counted = 0
  /** Numbers above that have been stored. */
  readonly #others = new Set<number>()

  constructor(reads: ReadonlySet<number> | undefined) {
    this.#reads = reads
  }

  /** How many entries have been stored, kept or not. */
  get size(): number {
    return this.#counted + this.#others.size
  }

  /** Whether it took memory. */
  set(index: number, value: Value): boolean {
    let took = false
    if (index === this.#counted) {
      this.#counted += 1
      if (this.#others.size > 0) this.#others.delete(index)
    } else if (index > this.#counted) {
      this.#others.add(index)
      took = true
    }
    if (this.#reads !== undefined && !this.#reads.has(index)) return took
    this.#kept.set(index, value)
    return true
  }

  /** Whether the entry is there to be read back. */
  has(index: number): boolean {
    return this.#kept.has(index)
  }

  get(index: number): Value | undefined {
    return this.#kept.get(index)
  }
}
