import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type GatherBlock, gatherBlockAt, gatherCost } from "../../src/strided/blocks.ts"
import { type StridedView, spanOf } from "../../src/strided/view.ts"
import { TRANSFER_SIZES } from "../../src/transfer/cut-segments.ts"
import { depth } from "../depth.ts"

/** Views whose dimensions step by anything: backwards in order, over one another, not at all. */
const views = fc.record({
  itemBytes: fc.constantFrom(1, 2, 4, 8, 16),
  elementOffset: fc.nat(50),
  dimensions: fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 5 }),
      fc.oneof(fc.nat(12), fc.nat(300), fc.constantFrom(0, 1, 4096, 20_000)),
    ),
    { maxLength: 5 },
  ),
})

type ViewSeed = typeof views extends fc.Arbitrary<infer Seed> ? Seed : never

function makeView({ itemBytes, elementOffset, dimensions }: ViewSeed): StridedView {
  const shape = dimensions.map(([size]) => size)
  return { itemBytes, elementOffset, shape, strides: dimensions.map(([, stride]) => stride) }
}

function elementsOf({ shape }: Pick<StridedView, "shape">): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Offset of element number `element` of a view, by division. */
function offsetOf(
  { shape, strides }: Pick<StridedView, "shape" | "strides">,
  element: number,
  start: number,
): number {
  let offset = start
  let left = element
  for (let d = shape.length - 1; d >= 0; d--) {
    offset += (left % (shape[d] ?? 1)) * (strides[d] ?? 0)
    left = Math.floor(left / (shape[d] ?? 1))
  }
  return offset
}

/** The storage elements that the window of a block holds, in the window's order. */
function windowOf(block: GatherBlock): readonly number[] {
  const window: number[] = []
  for (const start of block.runOffsets()) {
    for (let i = 0; i < block.runElements; i++) window.push(start + i)
  }
  return window
}

function* blocksOf(view: StridedView, windowBytes: number): Generator<GatherBlock> {
  for (let element = 0; element < elementsOf(view); ) {
    const block = gatherBlockAt(view, element, windowBytes)
    yield block
    element += block.elementCount
  }
}

const plain = ({ runOffsets, ...block }: GatherBlock): object => ({ ...block, runs: [...runOffsets()] })

describe("blocks", () => {
  it("tile any view, each with a window that holds its elements and fits", () => {
    fc.assert(
      fc.property(views, fc.integer({ min: 16, max: 2000 }), (seed, windowBytes) => {
        const view = makeView(seed)
        const lowest = view.elementOffset
        const highest = lowest + spanOf(view)
        let next = 0
        for (const block of blocksOf(view, windowBytes)) {
          expect(block.firstElement).toBe(next)
          expect(block.elementCount).toBe(elementsOf(block))
          expect(block.elementCount).toBeGreaterThan(0)
          expect(block.windowElements * view.itemBytes).toBeLessThanOrEqual(windowBytes)
          const window = windowOf(block)
          expect(window.length).toBe(block.windowElements)
          expect(window.every((element) => element >= lowest && element < highest)).toBe(true)
          let wrong = 0
          for (let i = 0; i < block.elementCount; i++) {
            if (window[offsetOf(block, i, 0)] !== offsetOf(view, next + i, view.elementOffset)) wrong++
          }
          expect(wrong).toBe(0)
          next += block.elementCount
        }
        expect(next).toBe(elementsOf(view))
      }),
      { seed: 1, numRuns: depth({ quick: 400, deep: 4000 }) },
    )
  })

  it("are the same whichever of their elements is asked for", () => {
    fc.assert(
      fc.property(views, fc.integer({ min: 16, max: 600 }), fc.nat(), (seed, windowBytes, pick) => {
        const view = makeView(seed)
        const block = gatherBlockAt(view, pick % elementsOf(view), windowBytes)
        const others = [block.firstElement, block.firstElement + block.elementCount - 1]
        for (const other of others) {
          expect(plain(gatherBlockAt(view, other, windowBytes))).toEqual(plain(block))
        }
      }),
      { seed: 2, numRuns: depth({ quick: 200, deep: 2000 }) },
    )
  })

  it("that fit whole are one", () => {
    const view = { itemBytes: 4, elementOffset: 3, shape: [4, 5], strides: [1, 4] }
    expect(plain(gatherBlockAt(view, 11, 80))).toEqual({
      firstElement: 0,
      elementCount: 20,
      shape: [4, 5],
      strides: [1, 4],
      windowElements: 20,
      runElements: 20,
      runs: [3],
    })
  })

  it("of a scalar are one element", () => {
    const view = { itemBytes: 16, elementOffset: 7, shape: [], strides: [] }
    expect(plain(gatherBlockAt(view, 0, 16))).toMatchObject({ elementCount: 1, runs: [7] })
  })
})

/** What reading all blocks costs, in bytes and in reads. */
function costOf(view: StridedView, windowBytes: number): { bytes: number; reads: number; blocks: number } {
  const cost = { bytes: 0, reads: 0, blocks: 0 }
  for (const { runElements, windowElements } of blocksOf(view, windowBytes)) {
    cost.blocks += 1
    cost.bytes += windowElements * view.itemBytes
    cost.reads += windowElements / runElements
  }
  return cost
}

describe("reading", () => {
  const { windowBytes } = TRANSFER_SIZES

  it("a transposed matrix of 200 MB takes each byte once, in runs of many kilobytes", () => {
    const view = { itemBytes: 4, elementOffset: 0, shape: [10_000, 5000], strides: [1, 10_000] }
    const cost = costOf(view, windowBytes)
    expect(cost.bytes).toBe(200_000_000)
    expect(cost.reads).toBeLessThanOrEqual(20_000)
  })

  it("a transposed matrix of 6 GB does too", () => {
    const view = { itemBytes: 2, elementOffset: 0, shape: [50_000, 60_000], strides: [1, 50_000] }
    const cost = costOf(view, windowBytes)
    expect(cost.bytes).toBe(6_000_000_000)
    expect(cost.bytes / cost.reads).toBeGreaterThan(700)
  })

  it("every fourth element reads what lies between", () => {
    const view = { itemBytes: 4, elementOffset: 0, shape: [40_000_000], strides: [4] }
    const cost = costOf(view, windowBytes)
    expect(cost.bytes).toBeLessThan(160_000_000 * 4.01)
    expect(cost.reads).toBeLessThanOrEqual(11)
  })

  it("a few columns of long rows leaves the rest of the rows out", () => {
    const view = { itemBytes: 4, elementOffset: 0, shape: [100_000, 8], strides: [50_000, 1] }
    const cost = costOf(view, windowBytes)
    expect(cost.bytes).toBe(100_000 * 8 * 4)
    expect(cost.reads).toBe(100_000)
  })

  it("windows that overlap almost wholly are not read once for every few elements", () => {
    // The span of one of the 5,000 indices fills a window: taken as spans, each would read 64 MiB.
    const view = { itemBytes: 4, elementOffset: 0, shape: [5000, 4096], strides: [1, 4097] }
    expect(spanOf(view) * 4).toBeGreaterThan(windowBytes)
    const cost = costOf(view, windowBytes)
    expect(cost.blocks).toBeLessThan(10)
    expect(cost.bytes).toBeLessThan(4 * windowBytes)
  })
})

describe("the cost of gathering", () => {
  const costPerByte = (shape: readonly number[], strides: readonly number[]): number =>
    gatherCost({ itemBytes: 4, elementOffset: 0, shape, strides }) / (4 * elementsOf({ shape }))

  it("is small for transposed and permuted tensors of any size", () => {
    expect(costPerByte([5000, 10_000], [1, 5000])).toBeLessThan(4)
    expect(costPerByte([500, 100, 1000], [1, 500, 50_000])).toBeLessThan(10)
    expect(costPerByte([100, 500, 1000], [500, 1, 50_000])).toBeLessThan(10)
    expect(costPerByte([64, 50, 40, 1000], [1, 64, 3200, 128_000])).toBeLessThan(40)
    expect(costPerByte([1000, 1000], [1, 1000])).toBeLessThan(1.1)
  })

  it("tells views that pick single elements from all over a storage", () => {
    expect(costPerByte([7000], [7000])).toBeGreaterThan(4000)
    expect(gatherCost({ itemBytes: 4, elementOffset: 0, shape: [2], strides: [1000] })).toBe(4004)
  })
})
