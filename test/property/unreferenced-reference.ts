/** What a conversion leaves behind, worked out the slow way: a mark for each byte of each storage. */

import type { UnreferencedBytes } from "../../src/index.ts"
import { tensorsIn } from "./checkpoint-writer.ts"
import { elementCount, type TestStorage, type TestTensor, type TestValue } from "./model.ts"

/** Marks the bytes that `tensor` touches, element by element. */
export function markBytes(
  marks: Uint8Array,
  { dtype, offset, shape, strides }: Pick<TestTensor, "dtype" | "offset" | "shape" | "strides">,
): void {
  const count = elementCount(shape)
  for (let element = 0; element < count; element++) {
    let left = element
    let index = offset
    for (let d = shape.length - 1; d >= 0; d--) {
      const size = shape[d] ?? 1
      index += (left % size) * (strides[d] ?? 0)
      left = Math.floor(left / size)
    }
    marks.fill(1, index * dtype.itemBytes, (index + 1) * dtype.itemBytes)
  }
}

const marked = (marks: Uint8Array): number => marks.reduce((sum, mark) => sum + mark, 0)

/** For a checkpoint of `value` of which `written` are written, or stand for what is. */
export function referenceUnreferenced(
  value: TestValue,
  written: ReadonlyMap<string, TestTensor>,
): Partial<UnreferencedBytes> & Pick<UnreferencedBytes, "byteLength" | "leftOut" | "behindViews"> {
  const all = new Set(tensorsIn(value))
  const storages = new Set<TestStorage>(Array.from(all, ({ storage }) => storage))
  let leftOut = 0
  const hidden: number[] = []
  for (const storage of storages) {
    const marks = new Uint8Array(storage.bytes.length)
    for (const each of new Set(written.values())) if (each.storage === storage) markBytes(marks, each)
    const writtenBytes = marked(marks)
    for (const each of all) if (each.storage === storage) markBytes(marks, each)
    const seenBytes = marked(marks)
    leftOut += seenBytes - writtenBytes
    if (seenBytes < marks.length) hidden.push(marks.length - seenBytes)
  }
  const behindViews = hidden.reduce((sum, bytes) => sum + bytes, 0)
  return {
    byteLength: leftOut + behindViews,
    leftOut,
    behindViews,
    unusedStorages: 0,
    extraMembers: 0,
    hidingCount: hidden.length,
    unusedStorageCount: 0,
    members: [],
    memberCount: 0,
  }
}
