/** A small generator of numbers (sfc32): the same seed and index always give the same mutant. */

/** One row of a choice with weights. */
export type Weighted<T> = readonly [weight: number, value: T]

export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number, index: number) {
    this.#a = seed >>> 0
    this.#b = index >>> 0
    this.#c = Math.floor(index / 0x1_0000_0000) ^ 0x9e3779b9
    for (let i = 0; i < 12; i++) this.uint32()
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** An integer from 0 up to, not including, `bound`; 0 for a bound of 0. */
  below(bound: number): number {
    return bound <= 0 ? 0 : this.uint32() % bound
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(part: number): boolean {
    return this.uint32() < part * 0x1_0000_0000
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error("nothing to pick from")
    return items[this.below(items.length)] as T
  }

  weighted<T>(rows: readonly Weighted<T>[]): T {
    let left = this.below(rows.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of rows) {
      if (left < weight) return value
      left -= weight
    }
    throw new Error("weights are whole numbers above 0")
  }
}
