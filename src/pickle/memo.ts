/** The memo of a machine: values by number. Picklers count up from zero, so an array holds them; any number is legal. */

import type { PickleValue } from "./values.ts"

export class Memo {
  readonly #counted: PickleValue[] = []
  /** Entries whose numbers do not follow on from the others. */
  readonly #others = new Map<number, PickleValue>()

  get size(): number {
    return this.#counted.length + this.#others.size
  }

  set(index: number, value: PickleValue): void {
    const { length } = this.#counted
    if (index < length) {
      this.#counted[index] = value
    } else if (index === length) {
      this.#counted.push(value)
      this.#others.delete(index)
    } else {
      this.#others.set(index, value)
    }
  }

  get(index: number): PickleValue | undefined {
    return index < this.#counted.length ? this.#counted[index] : this.#others.get(index)
  }
}
