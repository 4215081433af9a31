/**
 * What may be a key, and what makes two tuples one: equal items, one after the other, as `1`, `1.0` and `True` are equal.
 */

import type { MemoryBudget } from "./memory-budget.ts"
import { keyIdentity, PickleDict, PickleList, PickleSet, PickleTuple, type PickleValue } from "./values.ts"

/**
 * Characters that a tuple is written down in. The tuples that people have for keys take some ten. A small pickle can ask
 * for a tuple of exponential size, so a larger one stays equal to itself alone.
 */
const MOST_CHARACTERS = 1024

/** Numbers for what is equal to nothing but itself. */
const NUMBERS = /* @__PURE__ */ new WeakMap<object, number>()
let objects = 0

/** Tuples in tuples that are looked into for what Python cannot hash. It overflows its stack further down. */
const MOST_DEPTH = 500

/**
 * Writes `key` down, if it is a tuple, before it is compared. That is charged to `memory`.
 *
 * @returns what is in the way, if Python cannot hash the key: "a list", for one.
 */
export function prepareKey(key: PickleValue, memory: MemoryBudget | undefined): string | undefined {
  const unhashable = findUnhashable(key, 0)
  if (unhashable !== undefined) return unhashable
  // Tuples do not change, so once is enough.
  if (!(key instanceof PickleTuple) || key.asKey !== undefined) return undefined
  const writing = { text: "" }
  key.asKey = write(key, writing) ? writing.text : null
  memory?.take(2 * writing.text.length)
  return undefined
}

/** What changes has no hash, nor has a tuple with it. Each tuple is looked into once, however many it stands in. */
function findUnhashable(value: PickleValue, depth: number): string | undefined {
  if (value instanceof PickleList) return "a list"
  if (value instanceof PickleDict) return "a dict"
  if (value instanceof PickleSet) return value.frozen ? undefined : "a set"
  if (!(value instanceof PickleTuple) || value.hashable === true || depth > MOST_DEPTH) return undefined
  for (const item of value.items) {
    const found = typeof item === "object" ? findUnhashable(item, depth + 1) : undefined
    if (found !== undefined) return found
  }
  value.hashable = true
  return undefined
}

/** Writes a tuple so that equal ones read the same and others do not. False when it cannot be. */
function write({ items }: PickleTuple, writing: { text: string }): boolean {
  writing.text += "("
  // Asked on the way down too: that bounds how deep tuples lie in one another.
  if (writing.text.length > MOST_CHARACTERS) return false
  for (const item of items) {
    if (item instanceof PickleTuple) {
      if (!write(item, writing)) return false
    } else {
      const identity = keyIdentity(item)
      if (typeof identity === "string") writing.text += `${identity.length}:${identity}`
      else if (typeof identity !== "object" || identity === null) writing.text += String(identity)
      else writing.text += `#${numberOf(identity)}`
    }
    writing.text += ","
    if (writing.text.length > MOST_CHARACTERS) return false
  }
  writing.text += ")"
  return true
}

function numberOf(object: object): number {
  const known = NUMBERS.get(object)
  if (known !== undefined) return known
  objects += 1
  NUMBERS.set(object, objects)
  return objects
}
