/**
 * Divides a strided view into blocks, each with a window of the storage that fits into bounded memory.
 *
 * A window is either one span of the storage from the first to the last element of the block, or, where that span
 * would hold far more than the block needs (a few rows of a large transposed matrix), the runs that it needs, packed.
 */

import type { StridedView } from "./segments.ts"

/** The part of a storage that is held at a time. Most tensors fit whole, as does a matrix of 4096 x 4096 float32. */
export const GATHER_WINDOW_BYTES: number = 64 * 1024 * 1024

/** A view whose span is up to this shares its read with others. */
export const SMALL_GATHER_BYTES: number = 64 * 1024

/** What a read costs beyond its bytes, in bytes: about so many are read in the time that another read takes to begin. */
const READ_COST_BYTES = 16 * 1024

/** Runs with gaps up to this are read together. */
export const SIEVED_GAP_BYTES: number = READ_COST_BYTES

/** What copying a run costs that was read with others, in bytes. */
const RUN_COST_BYTES = 256

/** Runs with gaps up to this make one run, which takes room in the window for the gaps: */
const KEPT_GAP_BYTES = READ_COST_BYTES / 4
/** at most so many times the room for what is wanted. */
const MOST_WASTE = 8

/** Consecutive elements of a view, in its own order, and the window they are picked from. */
export interface GatherBlock {
  /** First element, counted in the view's order. */
  readonly firstElement: number
  readonly elementCount: number
  /** Shape of the block, and its strides within the window, in elements. The first element is at 0. */
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  /** Elements of the window. */
  readonly windowElements: number
  /** Elements of each run. All have the same length. */
  readonly runElements: number
  /** Where the runs begin in the storage, in the order in which the window holds them. */
  readonly runOffsets: () => Generator<number>
}

/** Elements from the first to the last that a view touches. */
export function spanOf({ shape, strides }: Pick<StridedView, "shape" | "strides">): number {
  return shape.reduce((span, size, i) => span + (size - 1) * (strides[i] as number), 1)
}

/**
 * The block that holds element number `element` of `view`, with a window of at most `windowBytes`. Blocks tile a view;
 * the same block is always the same.
 */
export function gatherBlockAt(view: StridedView, element: number, windowBytes: number): GatherBlock {
  const windowElements = Math.floor(windowBytes / view.itemBytes)
  const cut = chooseCut(view, windowElements)
  const { dimension, indices } = cut
  if (dimension < 0)
    return makeBlock(view, { offset: view.elementOffset, firstElement: 0, outer: 0, count: 0, cut })

  const inner = productAfter(view.shape, dimension)
  const size = view.shape[dimension] as number
  const row = Math.floor(element / (inner * size))
  const index = Math.floor(element / inner) % size
  const firstIndex = index - (index % indices)
  const count = Math.min(indices, size - firstIndex)
  const offset = offsetOfRow(view, dimension, row) + firstIndex * (view.strides[dimension] as number)
  return makeBlock(view, {
    offset,
    firstElement: (row * size + firstIndex) * inner,
    outer: dimension,
    count,
    cut,
  })
}

/** Which dimension is divided, into how many indices a block, and whether its runs are packed. */
interface Cut {
  /** -1 when the whole view is one block. */
  readonly dimension: number
  readonly indices: number
  readonly packed: boolean
}

/**
 * What gathering a view reads, in bytes, each read counted with what it costs to begin. Views can ask for the same
 * parts of a storage again and again.
 */
export function gatherCost(view: StridedView, windowBytes: number = GATHER_WINDOW_BYTES): number {
  const bytes = spanOf(view) * view.itemBytes
  if (bytes <= SMALL_GATHER_BYTES) return bytes
  const cut = chooseCut(view, Math.floor(windowBytes / view.itemBytes))
  return cut.dimension < 0 ? bytes + READ_COST_BYTES : costOf(view, cut)
}

/** Of the two ways to divide a view that does not fit whole, the one that takes less reading. */
function chooseCut(view: StridedView, windowElements: number): Cut {
  if (spanOf(view) <= windowElements) return { dimension: -1, indices: 0, packed: false }
  const spanning = chooseSpanningCut(view, windowElements)
  const packed = choosePackedCut(view, windowElements)
  return costOf(view, packed) < costOf(view, spanning) ? packed : spanning
}

/** Bytes to read for all blocks of `view`, each read counted with what it costs to begin. */
function costOf(view: StridedView, { dimension, indices, packed }: Cut): number {
  const { shape, strides, itemBytes } = view
  const rows = shape.slice(0, dimension).reduce((product, each) => product * each, 1)
  // Not rounded up: the last block is as small as it must be.
  const blocks = (rows * (shape[dimension] as number)) / indices
  if (packed) {
    const { runElements, windowElements, runStep } = packRuns(view, dimension, indices)
    const alone = runElements * itemBytes + READ_COST_BYTES
    // A run that is read with the next takes the gap with it.
    const sieved = runStep * itemBytes + RUN_COST_BYTES
    return blocks * (windowElements / runElements) * Math.min(alone, sieved)
  }
  const span = (indices - 1) * (strides[dimension] as number) + innerSpan(view, dimension)
  return blocks * (span * itemBytes + READ_COST_BYTES)
}

/** As many indices of the outermost possible dimension as one span of the storage holds that fits into a window. */
function chooseSpanningCut(view: StridedView, windowElements: number): Cut {
  const { shape, strides } = view
  // The outermost dimension of which at least one index fits into a window.
  const dimension = shape.findIndex((_, d) => innerSpan(view, d) <= windowElements)
  const stride = strides[dimension] as number
  const fitting = Math.floor((windowElements - innerSpan(view, dimension)) / Math.max(stride, 1)) + 1
  return { dimension, indices: Math.min(fitting, shape[dimension] as number), packed: false }
}

/** As many indices of the outermost possible dimension as fit into a window once packed. */
function choosePackedCut(view: StridedView, windowElements: number): Cut {
  const fits = (dimension: number, indices: number): boolean =>
    packRuns(view, dimension, indices).windowElements <= windowElements
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

interface BlockPlace {
  /** Element of the storage where the block begins. */
  readonly offset: number
  readonly firstElement: number
  readonly outer: number
  readonly count: number
  readonly cut: Cut
}

function makeBlock(view: StridedView, { offset, firstElement, outer, count, cut }: BlockPlace): GatherBlock {
  const whole = cut.dimension < 0
  const shape = whole ? view.shape : [count, ...view.shape.slice(outer + 1)]
  const strides = whole ? view.strides : view.strides.slice(outer)
  const elementCount = shape.reduce((product, size) => product * size, 1)
  if (!cut.packed) {
    const span = spanOf({ shape, strides })
    function* one(): Generator<number> {
      yield offset
    }
    const common = { windowElements: span, runElements: span, runOffsets: one }
    return { firstElement, elementCount, shape, strides, ...common }
  }
  const packed = packRuns(view, outer, count)
  return {
    firstElement,
    elementCount,
    shape,
    strides: packed.strides,
    windowElements: packed.windowElements,
    runElements: packed.runElements,
    runOffsets: () => packed.offsetsFrom(offset),
  }
}

interface PackedRuns {
  readonly strides: readonly number[]
  readonly runElements: number
  readonly windowElements: number
  /** From one run to the next, where they are nearest. */
  readonly runStep: number
  readonly offsetsFrom: (offset: number) => Generator<number>
}

/**
 * Dimensions whose steps are small together make a run; the others say how often the run occurs and where. In the
 * window the runs lie one behind the other, so the strides of those other dimensions become multiples of a run.
 */
function packRuns({ shape, strides, itemBytes }: StridedView, outer: number, indices: number): PackedRuns {
  const dimensions = shape
    .slice(outer)
    .map((size, i) => ({ i, size: i === 0 ? indices : size, stride: strides[outer + i] as number }))
    .sort((a, b) => a.stride - b.stride)
  const packedStrides: number[] = new Array(dimensions.length).fill(0)
  const repeated: { readonly size: number; readonly stride: number }[] = []
  let runElements = 1
  // Elements of a run that are wanted.
  let wanted = 1
  let runs = 1
  for (const { i, size, stride } of dimensions) {
    // Neither question is about `size`, so that more indices never take less room.
    const near = (stride - runElements) * itemBytes <= KEPT_GAP_BYTES && stride <= MOST_WASTE * wanted
    if (repeated.length === 0 && near) {
      packedStrides[i] = stride
      runElements += (size - 1) * stride
      wanted = stride === 0 ? wanted : Math.min(wanted * size, runElements)
    } else {
      // `runs` so far, times the final length of a run: filled in below.
      packedStrides[i] = -runs
      repeated.push({ size, stride })
      runs *= size
    }
  }
  const finalStrides = packedStrides.map((stride) => (stride < 0 ? -stride * runElements : stride))
  function* offsetsFrom(offset: number): Generator<number> {
    const index: number[] = new Array(repeated.length).fill(0)
    for (let run = 0; run < runs; run++) {
      yield repeated.reduce((sum, { stride }, d) => sum + (index[d] as number) * stride, offset)
      for (let d = 0; d < repeated.length; d++) {
        index[d] = (index[d] as number) + 1
        if ((index[d] as number) < (repeated[d]?.size ?? 0)) break
        index[d] = 0
      }
    }
  }
  const runStep = Math.max(repeated[0]?.stride ?? 0, runElements)
  return { strides: finalStrides, runElements, windowElements: runs * runElements, runStep, offsetsFrom }
}

function productAfter(shape: readonly number[], dimension: number): number {
  return shape.slice(dimension + 1).reduce((product, size) => product * size, 1)
}

/** Span of one index of `dimension`. */
function innerSpan({ shape, strides }: StridedView, dimension: number): number {
  return spanOf({ shape: shape.slice(dimension + 1), strides: strides.slice(dimension + 1) })
}

/** Storage offset of row number `row` over the dimensions before `dimension`. */
function offsetOfRow({ shape, strides, elementOffset }: StridedView, dimension: number, row: number): number {
  let offset = elementOffset
  let left = row
  for (let d = dimension - 1; d >= 0; d--) {
    const size = shape[d] as number
    offset += (left % size) * (strides[d] as number)
    left = Math.floor(left / size)
  }
  return offset
}
