/**
 * Divides a strided view into blocks, each with a window of the storage that fits into bounded memory.
 *
 * A window is either one span of the storage from the first to the last element of the block, or, where that span
 * would hold far more than the block needs (a few rows of a large transposed matrix), the runs that it needs, packed.
 */

import { packRuns, READ_COST_BYTES, RUN_COST_BYTES, type Runs } from "./runs.ts"
import { type Dimensions, elementCountOf, offsetAt, type StridedView, spanOf } from "./view.ts"

/** The part of a storage that is held at a time. Most tensors fit whole, as does a matrix of 4096 x 4096 float32. */
export const GATHER_WINDOW_BYTES: number = 64 * 1024 * 1024

/** A view whose span is up to this shares its read with others. */
export const SMALL_GATHER_BYTES: number = 64 * 1024

/** Consecutive elements of a view, in its own order, and the window they are picked from. */
export interface GatherBlock extends Dimensions, Runs {
  /** First element, counted in the view's order; `strides` count from the first of the window. */
  readonly firstElement: number
  readonly elementCount: number
}

/** Which dimension is divided, into how many indices a block, and whether its runs are packed. */
interface Cut {
  readonly dimension: number
  readonly indices: number
  readonly packed: boolean
}

/**
 * The block that holds element number `element` of `view`, with a window of at most `windowBytes`. Blocks tile a view;
 * the same block is always the same.
 */
export function gatherBlockAt(view: StridedView, element: number, windowBytes: number): GatherBlock {
  const { dimension, indices, packed } = chooseCut(view, Math.floor(windowBytes / view.itemBytes))
  const inner = elementCountOf(view.shape.slice(dimension + 1))
  const { size, stride } = dimensionAt(view, dimension)
  const row = Math.floor(element / (inner * size))
  const index = Math.floor(element / inner) % size
  const firstIndex = index - (index % indices)
  const count = Math.min(indices, size - firstIndex)
  const rows = { shape: view.shape.slice(0, dimension), strides: view.strides.slice(0, dimension) }
  const offset = view.elementOffset + offsetAt(rows, row) + firstIndex * stride
  const cut = cutTo(view, dimension, count)
  const place = { firstElement: (row * size + firstIndex) * inner, elementCount: count * inner }
  if (packed) return { ...place, shape: cut.shape, ...packRuns(cut, view.itemBytes, offset) }
  const span = spanOf(cut)
  return { ...place, ...cut, windowElements: span, runElements: span, runOffsets: () => [offset] }
}

/**
 * What gathering a view reads, in bytes, each read counted with what it costs to begin. Views can ask for the same
 * parts of a storage again and again.
 */
export function gatherCost(view: StridedView, windowBytes: number = GATHER_WINDOW_BYTES): number {
  const bytes = spanOf(view) * view.itemBytes
  if (bytes <= SMALL_GATHER_BYTES) return bytes
  return costOf(view, chooseCut(view, Math.floor(windowBytes / view.itemBytes)))
}

/** Whole, or of the two ways to divide a view that does not fit, the one that takes less reading. */
function chooseCut(view: StridedView, windowElements: number): Cut {
  const spanning = chooseSpanningCut(view, windowElements)
  if (spanOf(view) <= windowElements) return spanning
  const packed = choosePackedCut(view, windowElements)
  return costOf(view, packed) < costOf(view, spanning) ? packed : spanning
}

/** Bytes to read for all blocks of `view`, each read counted with what it costs to begin. */
function costOf(view: StridedView, { dimension, indices, packed }: Cut): number {
  const { shape, itemBytes } = view
  // Not rounded up: the last block is as small as it must be.
  const blocks = elementCountOf(shape.slice(0, dimension + 1)) / indices
  const block = cutTo(view, dimension, indices)
  if (!packed) return blocks * (spanOf(block) * itemBytes + READ_COST_BYTES)
  const { runElements, windowElements, runStep } = packRuns(block, itemBytes, 0)
  const alone = runElements * itemBytes + READ_COST_BYTES
  // A run that is read with the next takes the gap with it.
  const sieved = runStep * itemBytes + RUN_COST_BYTES
  return blocks * (windowElements / runElements) * Math.min(alone, sieved)
}

/** As many indices of the outermost possible dimension as one span of the storage holds that fits into a window. */
function chooseSpanningCut(view: StridedView, windowElements: number): Cut {
  const innerSpan = (d: number): number => spanOf(cutTo(view, d, 1))
  // The outermost dimension of which at least one index fits into a window. A scalar has none.
  const dimension = Math.max(
    view.shape.findIndex((_, d) => innerSpan(d) <= windowElements),
    0,
  )
  const { size, stride } = dimensionAt(view, dimension)
  const fitting = Math.floor((windowElements - innerSpan(dimension)) / Math.max(stride, 1)) + 1
  return { dimension, indices: stride === 0 ? size : Math.min(fitting, size), packed: false }
}

/** As many indices of the outermost possible dimension as fit into a window once packed. */
function choosePackedCut(view: StridedView, windowElements: number): Cut {
  const fits = (dimension: number, indices: number): boolean =>
    packRuns(cutTo(view, dimension, indices), view.itemBytes, 0).windowElements <= windowElements
  const dimension = view.shape.findIndex((_, d) => fits(d, 1))
  // More indices never take less room, so the most that fit are found by halving what is left to try.
  let indices = 1
  for (let most = view.shape[dimension] as number; indices < most; ) {
    const middle = Math.ceil((indices + most) / 2)
    if (fits(dimension, middle)) indices = middle
    else most = middle - 1
  }
  return { dimension, indices, packed: true }
}

/** A scalar counts as one index of a dimension. */
function dimensionAt({ shape, strides }: Dimensions, dimension: number): { size: number; stride: number } {
  return { size: shape[dimension] ?? 1, stride: strides[dimension] ?? 0 }
}

/** `indices` of dimension number `dimension`, without the dimensions before it. */
function cutTo({ shape, strides }: Dimensions, dimension: number, indices: number): Dimensions {
  const [, ...inner] = shape.slice(dimension)
  return dimension < shape.length
    ? { shape: [indices, ...inner], strides: strides.slice(dimension) }
    : { shape: [], strides: [] }
}
