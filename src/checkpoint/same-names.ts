/** Whether two parts of a checkpoint hold tensors of the same names: a model, and its averaged weights. */

import { isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import type { Branch, Census } from "./checkpoint-level.ts"
import type { Container } from "./child-cursor.ts"
import { ChildCursor, isContainer } from "./child-cursor.ts"
import { spellKey } from "./key-text.ts"

/** How names compare with those of a state dict: the same, or but for the prefix that wrappers of modules put before. */
export type NameMatch = "same" | "with-module" | "without-module"

const PREFIX = "module."

/** What torch's AveragedModel counts with, beside the weights. */
const COUNTER = "n_averaged"

/** Items that are looked at for each tensor that is expected, and a few more: one part may be shared without end. */
const ITEMS_PER_TENSOR = 16
const MORE_ITEMS = 4096

/** How the names below `container` compare with `names`; undefined where they are others, or it would take too long. */
export function matchNames(
  names: ReadonlySet<string>,
  container: Container,
  census: Census,
): NameMatch | undefined {
  const tensorCount = census.get(container)?.tensorCount ?? 0
  if (tensorCount < names.size || tensorCount > names.size + 1) return undefined
  const matches = { same: 0, "with-module": 0, "without-module": 0 }
  for (const name of namesBelow(container, census, names.size)) {
    if (names.has(name)) matches.same += 1
    else if (name.startsWith(PREFIX) && names.has(name.slice(PREFIX.length))) matches["with-module"] += 1
    else if (names.has(PREFIX + name)) matches["without-module"] += 1
    else if (name !== COUNTER) return undefined
  }
  return (["same", "with-module", "without-module"] as const).find((match) => matches[match] === names.size)
}

/** Whether all the `others` hold the names of `one`. */
export function haveSameNames(one: Branch, others: readonly Branch[], census: Census): boolean {
  const expected = one.holding.tensorCount
  const isAlike = ({ holding: { tensorCount } }: Branch): boolean => Math.abs(tensorCount - expected) <= 1
  if (!others.every(isAlike)) return false
  const names = new Set(namesBelow(one.value, census, expected))
  return (
    names.size === expected && others.every(({ value }) => matchNames(names, value, census) !== undefined)
  )
}

/** Names below `container`, until as many items have been looked at as so many tensors may ask for. */
function* namesBelow(container: Container, census: Census, expected: number): Generator<string> {
  let left = ITEMS_PER_TENSOR * expected + MORE_ITEMS
  const frames = [{ prefix: "", children: new ChildCursor(container) }]
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (!frame.children.next()) {
      frames.pop()
      continue
    }
    if (left-- === 0) return
    const { key, value } = frame.children
    const isLeaf = isTensor(value) || isUnsupportedTensor(value)
    if (!isLeaf && !(isContainer(value) && (census.get(value)?.tensorCount ?? 0) > 0)) continue
    const text = spellKey(key)
    if (text === undefined) return
    const name = frame.prefix + text
    if (isLeaf) yield name
    else if (isContainer(value)) frames.push({ prefix: `${name}.`, children: new ChildCursor(value) })
  }
}
