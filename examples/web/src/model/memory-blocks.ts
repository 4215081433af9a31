/**
 * Divides a strided view into blocks that lie one behind the other in the storage, however the view goes through it.
 *
 * Counts, moments and histograms ask for no order, so the elements of a transposed matrix need not be picked row by row,
 * each from another end of the storage: its columns are as good, and a few of them take a few kilobytes.
 */

import type { StridedView } from "tosafetensors"

export interface MemoryBlocks {
  readonly count: number
  /** Bytes of the storage from the first to the last element of a block, at most. */
  readonly spanBytes: number
  /** Block number `index`. Their storage offsets rise with it, unless the view overlaps itself. */
  readonly at: (index: number) => StridedView
}

/** Neither the elements of a block nor what they span in the storage are more than `mostBytes`, but one element may be. */
export function memoryBlocks(view: StridedView, mostBytes: number): MemoryBlocks {
  const { itemBytes, elementOffset } = view
  const dimensions = view.shape
    .map((size, i) => ({ size, stride: view.strides[i] ?? 0 }))
    .sort((a, b) => b.stride - a.stride)
  const most = Math.max(1, Math.floor(mostBytes / itemBytes))
  // From the innermost dimension outwards, as long as all of it fits.
  let elements = 1
  let span = 1
  let cut = dimensions.length
  while (cut > 0) {
    const { size = 1, stride = 0 } = dimensions[cut - 1] ?? {}
    if (elements * size > most || span + (size - 1) * stride > most) break
    elements *= size
    span += (size - 1) * stride
    cut -= 1
  }
  const inner = dimensions.slice(cut)
  const divided = dimensions[cut - 1]
  if (divided === undefined) return { count: 1, spanBytes: span * itemBytes, at: () => view }
  const { size, stride } = divided
  const steps = stride === 0 ? most : Math.floor((most - span) / stride) + 1
  const indices = Math.min(size, steps, Math.floor(most / elements))
  const outer = dimensions.slice(0, cut - 1)
  const blocksInRow = Math.ceil(size / indices)
  const at = (index: number): StridedView => {
    const first = (index % blocksInRow) * indices
    return {
      itemBytes,
      elementOffset: elementOffset + offsetOfRow(outer, Math.floor(index / blocksInRow)) + first * stride,
      shape: [Math.min(indices, size - first), ...inner.map((each) => each.size)],
      strides: [stride, ...inner.map((each) => each.stride)],
    }
  }
  const rows = outer.reduce((product, each) => product * each.size, 1)
  return { count: rows * blocksInRow, spanBytes: (span + (indices - 1) * stride) * itemBytes, at }
}

function offsetOfRow(outer: readonly { size: number; stride: number }[], row: number): number {
  let left = row
  return outer.reduceRight((offset, { size, stride }) => {
    const index = left % size
    left = Math.floor(left / size)
    return offset + index * stride
  }, 0)
}

/** Elements of a view. */
export function elementCountOf({ shape }: StridedView): number {
  return shape.reduce((product, size) => product * size, 1)
}
