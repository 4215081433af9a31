/** Containers, and stepping through their items without making a list of them: they may have millions. */

import type { PickleEntry, PickleValue } from "../pickle/values.ts"
import { PickleDict, PickleList, PickleSet, PickleTuple } from "../pickle/values.ts"

/** A value with others in it. */
export type Container = PickleDict | PickleList | PickleTuple | PickleSet

export function isContainer(value: PickleValue): value is Container {
  return (
    value instanceof PickleDict ||
    value instanceof PickleList ||
    value instanceof PickleTuple ||
    value instanceof PickleSet
  )
}

/** Stands on one item of a container at a time, in order; before the first to begin with. */
export class ChildCursor {
  /** The item's key in a mapping, its index in a sequence, undefined in a set. */
  key: PickleValue | undefined
  value: PickleValue = null
  readonly #entries: Iterator<PickleEntry> | undefined
  readonly #items: readonly PickleValue[]
  readonly #keyed: boolean
  #next = 0

  constructor(container: Container) {
    const isDict = container instanceof PickleDict
    this.#entries = isDict ? container.entries() : undefined
    this.#items = isDict || container.size === 0 ? [] : container.items
    this.#keyed = !(container instanceof PickleSet)
  }

  /** Goes on to the next item; false when there is none. */
  next(): boolean {
    if (this.#entries !== undefined) {
      const { done, value } = this.#entries.next()
      if (done === true) return false
      this.key = value.key
      this.value = value.value
      return true
    }
    const index = this.#next
    if (index >= this.#items.length) return false
    this.#next = index + 1
    if (this.#keyed) this.key = index
    this.value = this.#items[index] as PickleValue
    return true
  }
}
