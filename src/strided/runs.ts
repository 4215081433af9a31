/** The runs of a storage that a packed window is made of: how long they are, which are read at once, where they go. */

import { coalesce } from "../bytes/coalesce.ts"
import type { ByteRange } from "../bytes/read-exactly.ts"
import type { Dimensions } from "./view.ts"

/** What a read costs beyond its bytes, in bytes: about so many are read in the time that another read takes to begin. */
export const READ_COST_BYTES: number = 16 * 1024

/** What copying a run costs that was read with others, in bytes. */
export const RUN_COST_BYTES = 256

/** Runs with gaps up to this make one run, which takes room in the window for the gaps: */
const KEPT_GAP_BYTES = READ_COST_BYTES / 4
/** at most so many times the room for what is wanted. */
const MAX_WASTE = 8

/** Runs are read together where reading the gap costs no more than another read, up to 512 KiB at once. */
const SIEVE = { maxGap: READ_COST_BYTES, maxLength: 512 * 1024 }

/** Runs up to this are copied byte by byte: 4 bytes take a third of what a view of an array takes to make, 16 as long. */
const SHORT_RUN_BYTES = 16

/** What a window is filled with. */
export interface Runs {
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
export function packRuns({ shape, strides }: Dimensions, itemBytes: number, offset: number): PackedRuns {
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
export interface RunRead extends ByteRange {
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
