/** Everything in a checkpoint that draws on storages: its tensors, and what the unsupported ones are made from. */

import type { PickleValue } from "../pickle/values.ts"
import type { StorageReference, TensorRecord } from "../torch/tensor-record.ts"
import { isStorageReference, isTensor, isUnsupportedTensor } from "../torch/tensor-record.ts"
import type { Container, Holding } from "../torch/walk-tensors.ts"
import { childrenOf, isContainer } from "../torch/walk-tensors.ts"

/**
 * The tensors below `root`, and of unsupported ones the tensors and storages among their parts. A container is looked
 * into once; a tensor that several hold comes as often. A storage that stands in the tree by itself is no tensor's.
 */
export function* storageUsersIn(
  root: PickleValue,
  census: ReadonlyMap<Container, Holding>,
): Generator<TensorRecord | StorageReference> {
  const parts: PickleValue[] = []
  if (isTensor(root)) yield root
  else if (isUnsupportedTensor(root)) parts.push(...root.parts)
  for (const [container, { direct }] of census) {
    if (!direct) continue
    for (const { value } of childrenOf(container)) {
      if (isTensor(value)) yield value
      else if (isUnsupportedTensor(value)) for (const part of value.parts) parts.push(part)
    }
  }
  const looked = new Set<PickleValue>()
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (isTensor(part) || isStorageReference(part)) {
      yield part
      continue
    }
    if (looked.has(part)) continue
    looked.add(part)
    if (isUnsupportedTensor(part)) for (const inner of part.parts) parts.push(inner)
    else if (isContainer(part)) for (const { value } of childrenOf(part)) parts.push(value)
  }
}
