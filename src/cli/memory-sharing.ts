/** Which tensors share memory. */

import type { SupportedTensorInfo, TensorInfo } from "../node/index.ts"

/**
 * Groups of names whose byte ranges in one storage overlap, in chains, as `--shared error` sees them. Tensors without
 * elements share nothing.
 */
export function sharedMemory(
  tensors: Iterable<readonly [string, TensorInfo]>,
): readonly (readonly string[])[] {
  const storages = new Map<string, { name: string; start: number; end: number }[]>()
  for (const [name, info] of tensors) {
    if (info.kind !== "tensor" || info.elementCount === 0) continue
    const range = { name, ...byteRange(info) }
    const ranges = storages.get(info.storage.key)
    if (ranges === undefined) storages.set(info.storage.key, [range])
    else ranges.push(range)
  }
  const groups: string[][] = []
  for (const ranges of storages.values()) {
    if (ranges.length === 1) continue
    ranges.sort((a, b) => a.start - b.start)
    let chain: string[] = []
    let reach = 0
    for (const { name, start, end } of ranges) {
      if (start >= reach) {
        chain = []
        groups.push(chain)
      }
      chain.push(name)
      reach = Math.max(reach, end)
    }
  }
  return groups.filter((group) => group.length > 1)
}

/** The bytes of the storage from the first to the last that the tensor touches, `[start, end)`. */
function byteRange(info: SupportedTensorInfo): { readonly start: number; readonly end: number } {
  const { shape, strides, elementOffset, byteLength, elementCount } = info
  const itemBytes = byteLength / elementCount
  const last = shape.reduce((sum, size, index) => sum + (size - 1) * (strides[index] ?? 0), elementOffset)
  return { start: elementOffset * itemBytes, end: (last + 1) * itemBytes }
}
