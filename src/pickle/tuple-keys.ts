/** What makes two tuples one key: equal items, one after the other, as `1`, `1.0` and `True` are equal. */

import type { MemoryBudget } from "./memory-budget.ts"
import type { PickleValue } from "./values.ts"
import { keyIdentity, PickleDict, PickleList, PickleSet, PickleTuple } from "./values.ts"

/**
 * Characters that a tuple is written down in. The tuples that people have for keys take some ten. A small pickle can ask
 * for a tuple of exponential size, so a larger one stays equal to itself alone, and so does one that Python cannot hash.
 */
const MOST_CHARACTERS = 1024

/** Numbers for what is equal to nothing but itself. */
const NUMBERS = /* @__PURE__ */ new WeakMap<object, number>()
let objects = 0

/** Writes `key` down, if it is a tuple, before it is compared. That is charged to `memory`. */
export function prepareKey(key: PickleValue, memory: MemoryBudget | undefined): void {
  // Tuples do not change, so once is enough.
  if (!(key instanceof PickleTuple) || key.asKey !== undefined) return
  const writing = { text: "" }
  key.asKey = write(key, writing) ? writing.text : null
  memory?.take(2 * writing.text.length)
}

/** Writes a tuple so that equal ones read the same and others do not. False when it cannot be. */
function write({ items }: PickleTuple, writing: { text: string }): boolean {
  writing.text += "("
  // Asked on the way down too: that bounds how deep tuples lie in one another.
  if (writing.text.length > MOST_CHARACTERS) return false
  for (const item of items) {
    if (item instanceof PickleTuple) {
      if (!write(item, writing)) return false
    } else if (isHashable(item)) {
      const identity = keyIdentity(item)
      if (typeof identity === "string") writing.text += `${identity.length}:${identity}`
      else if (typeof identity !== "object" || identity === null) writing.text += String(identity)
      else writing.text += `#${numberOf(identity)}`
    } else {
      return false
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

function isHashable(value: PickleValue): boolean {
  if (value instanceof PickleList || value instanceof PickleDict) return false
  return !(value instanceof PickleSet) || value.frozen
}
