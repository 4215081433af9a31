/** Everything in a checkpoint that draws on storages: its tensors, and what the unsupported ones are made from. */

import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import type { PickleValue } from "../pickle/values.ts"
import type { Tensor } from "../tensors/tensor.ts"
import { isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import type { StorageReference } from "../torch/torch-tensors.ts"
import { isStorageReference, partsOf } from "../torch/torch-tensors.ts"
import type { Container } from "./child-cursor.ts"
import { ChildCursor, isContainer } from "./child-cursor.ts"
import type { Holding } from "./holding.ts"

/**
 * Calls `visit` with the tensors below `root`, and of unsupported ones the tensors and storages among their parts. A container is looked
 * into once; a tensor that several hold comes as often. A storage that stands in the tree by itself is no tensor's.
 */
export function* visitStorageUsers(
  root: PickleValue,
  census: ReadonlyMap<Container, Holding>,
  visit: (user: Tensor | StorageReference) => void,
): Steps<void> {
  let left = STEP_ITEMS
  const parts: PickleValue[] = []
  if (isTensor(root)) visit(root)
  else if (isUnsupportedTensor(root)) parts.push(...partsOf(root))
  for (const [container, { direct }] of census) {
    if (!direct) continue
    for (const children = new ChildCursor(container); children.next(); ) {
      if (--left === 0) {
        left = STEP_ITEMS
        yield
      }
      const { value } = children
      if (isTensor(value)) visit(value)
      else if (isUnsupportedTensor(value)) for (const part of partsOf(value)) parts.push(part)
    }
  }
  const looked = new Set<PickleValue>()
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (--left === 0) {
      left = STEP_ITEMS
      yield
    }
    if (isTensor(part) || isStorageReference(part)) {
      visit(part)
      continue
    }
    if (looked.has(part)) continue
    looked.add(part)
    if (isUnsupportedTensor(part)) for (const inner of partsOf(part)) parts.push(inner)
    else if (isContainer(part)) {
      for (const children = new ChildCursor(part); children.next(); ) parts.push(children.value)
    }
  }
}
