/** A seeded source of chance: xorshift128 (Marsaglia 2003). A run can be repeated. */

export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    this.#a = seed | 0 || 1
    this.#b = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
    this.#c = Math.imul(seed ^ 0x7f4a7c15, 0xc2b2ae35) | 2
    this.#d = Math.imul(seed ^ 0x2545f491, 0x27d4eb2f) | 4
    for (let i = 0; i < 16; i++) this.uint32()
  }

  uint32(): number {
    const t = this.#a ^ (this.#a << 11)
    this.#a = this.#b
    this.#b = this.#c
    this.#c = this.#d
    this.#d = this.#d ^ (this.#d >>> 19) ^ t ^ (t >>> 8)
    return this.#d >>> 0
  }

  /** An integer from 0 to `limit - 1`; 0 when `limit` is 0. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.uint32() % limit
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}
