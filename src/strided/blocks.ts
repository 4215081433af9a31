/**
 * Divides a strided view into blocks, each with a window of the storage that fits into bounded memory.
 *
 * A window is either one span of the storage from the first to the last element of the block, or, where that span
 * would hold far more than the block needs (a few rows of a large transposed matrix), the runs that it needs, packed.
 */

import { coalesce } from "../bytes/coalesce.ts"
import type { ByteRange } from "../bytes/read-exactly.ts"
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

/** What a read costs beyond its bytes, in bytes: about so many are read in the time that another read takes to begin. */
const READ_COST_BYTES: number = 16 * 1024

/** What copying a run costs that was read with others, in bytes. */
const RUN_COST_BYTES = 256

/** Runs with gaps up to this make one run, which takes room in the window for the gaps: */
const KEPT_GAP_BYTES = READ_COST_BYTES / 4
/** at most so many times the room for what is wanted. */
const MAX_WASTE = 8

/** Runs are read together where reading the gap costs no more than another read, up to 512 KiB at once. */
const SIEVE = { maxGap: READ_COST_BYTES, maxLength: 512 * 1024 }

/** Runs up to this are copied byte by byte: 4 bytes take a third of what a view of an array takes to make, 16 as long. */
const SHORT_RUN_BYTES = 16

/** What a window is filled with. */
interface Runs {
  /** Elements of the window. */
  readonly windowElements: number
  /** Elements of each run. All have the same length. */
  readonly runElements: number
  /** Where the runs begin in the storage, in the order in which the window holds them. */
  readonly runOffsets: () => Iterable<number>
}

interface PackedRuns extends Runs {
  /** Of the dimensions, within the window. */
  readonly strides: readonly number[]
  /** From one run to the next, where they are nearest. */
  readonly runStep: number
}

/**
 * Dimensions whose steps are small together make a run; the others say how often the run occurs and where. In the
 * window the runs lie one behind the other, so the strides of those other dimensions become multiples of a run.
 */
function packRuns({ shape, strides }: Dimensions, itemBytes: number, offset: number): PackedRuns {
  const dimensions = shape
    .map((size, d) => ({ d, size, stride: strides[d] as number }))
    .sort((a, b) => a.stride - b.stride)
  const packed: number[] = new Array(shape.length).fill(0)
  const repeated: { readonly d: number; readonly size: number; readonly stride: number }[] = []
  let runElements = 1
  // Elements of a run that are wanted.
  let wanted = 1
  for (const dimension of dimensions) {
    const { d, size, stride } = dimension
    // Neither question is about `size`, so that more indices never take less room.
    const near = (stride - runElements) * itemBytes <= KEPT_GAP_BYTES && stride <= MAX_WASTE * wanted
    if (repeated.length > 0 || !near) {
      repeated.push(dimension)
      continue
    }
    packed[d] = stride
    runElements += (size - 1) * stride
    wanted = stride === 0 ? wanted : Math.min(wanted * size, runElements)
  }
  let windowElements = runElements
  for (const { d, size } of repeated) {
    packed[d] = windowElements
    windowElements *= size
  }
  const runs = windowElements / runElements
  function* runOffsets(): Generator<number> {
    const index: number[] = new Array(repeated.length).fill(0)
    for (let run = 0; run < runs; run++) {
      yield repeated.reduce((sum, { stride }, i) => sum + (index[i] as number) * stride, offset)
      for (let i = 0; i < repeated.length; i++) {
        index[i] = (index[i] as number) + 1
        if ((index[i] as number) < (repeated[i]?.size ?? 0)) break
        index[i] = 0
      }
    }
  }
  const runStep = Math.max(repeated[0]?.stride ?? 0, runElements)
  return { strides: packed, runElements, windowElements, runStep, runOffsets }
}

/** One read of a storage, and where its bytes belong. */
interface RunRead extends ByteRange {
  /** Byte of the window. */
  readonly at: number
  /** Takes the runs out of what was read. Undefined for a single run, which is read where it belongs. */
  readonly pack: ((bytes: Uint8Array, window: Uint8Array) => void) | undefined
}

/** The reads that fill the window of `block`: runs that follow close upon one another share one. */
export function* runReads(block: Runs, itemBytes: number): Generator<RunRead, void> {
  const runBytes = block.runElements * itemBytes
  const startOf = (element: number): number => element * itemBytes
  const endOf = (element: number): number => element * itemBytes + runBytes
  let next = 0
  for (const { offset, length, items } of coalesce(block.runOffsets(), startOf, endOf, SIEVE)) {
    const at = next
    next += items.length * runBytes
    const pack = (bytes: Uint8Array, window: Uint8Array): void => {
      for (let i = 0, target = at; i < items.length; i++, target += runBytes) {
        const start = (items[i] as number) * itemBytes - offset
        if (runBytes > SHORT_RUN_BYTES) window.set(bytes.subarray(start, start + runBytes), target)
        else for (let b = 0; b < runBytes; b++) window[target + b] = bytes[start + b] as number
      }
    }
    yield { offset, length, at, pack: items.length === 1 ? undefined : pack }
  }
}
