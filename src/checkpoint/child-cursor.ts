/** Containers, and stepping through their items without making a list of them: they may have millions. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import {
  PickleDict,
  type PickleEntry,
  PickleList,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "../pickle/values.ts"
import { NAME_DUPLICATE } from "../safetensors/errors.ts"
import { spellKey } from "./key-text.ts"

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

/**
 * The child whose key is spelled `step`; blanks between the items of a tuple may be left out. Undefined when there is
 * none.
 *
 * @throws `name-duplicate` where several keys are spelled so: 1 and "1", say.
 */
export function childAt(container: Container, step: string): PickleEntry | undefined {
  return childSpelled(container, step, spellKey) ?? (step[0] === "(" ? tupleAt(container, step) : undefined)
}

function tupleAt(container: Container, step: string): PickleEntry | undefined {
  const spell = (key: PickleValue | undefined): string | undefined => {
    const text = key instanceof PickleTuple ? spellKey(key) : undefined
    return text === undefined ? undefined : withoutBlanks(text)
  }
  return childSpelled(container, withoutBlanks(step), spell)
}

function withoutBlanks(text: string): string {
  return text.replaceAll(" ", "")
}

function childSpelled(
  container: Container,
  step: string,
  spell: (key: PickleValue | undefined) => string | undefined,
): PickleEntry | undefined {
  let found: PickleEntry | undefined
  for (const children = new ChildCursor(container); children.next(); ) {
    const { key, value } = children
    // What has no key, a member of a set, has no spelling.
    if (key === undefined || spell(key) !== step) continue
    if (found !== undefined) {
      throw new CheckpointError(NAME_DUPLICATE, { name: step, problem: "two keys are spelled so" })
    }
    found = { key, value }
  }
  return found
}
