import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { elementCountOf, memoryBlocks } from "../../examples/web/src/model/memory-blocks.ts"
import type { StridedView } from "../../src/index.ts"

/** Storage offsets of all elements, in the view's own order. */
function offsetsOf({ elementOffset, shape, strides }: StridedView): number[] {
  return shape.reduce(
    (offsets, size, i) =>
      offsets.flatMap((offset) =>
        Array.from({ length: size }, (_, index) => offset + index * (strides[i] ?? 0)),
      ),
    [elementOffset],
  )
}

function spanBytesOf(view: StridedView): number {
  const offsets = offsetsOf(view)
  return (Math.max(...offsets) - Math.min(...offsets) + 1) * view.itemBytes
}

const blocksOf = (view: StridedView, mostBytes: number): readonly StridedView[] => {
  const blocks = memoryBlocks(view, mostBytes)
  return Array.from({ length: blocks.count }, (_, index) => blocks.at(index))
}

const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)

describe("memoryBlocks", () => {
  it("takes the columns of a transposed matrix one after the other", () => {
    const transposed = { itemBytes: 4, elementOffset: 2, shape: [3, 4], strides: [1, 3] }
    expect(blocksOf(transposed, 24)).toEqual([
      { itemBytes: 4, elementOffset: 2, shape: [2, 3], strides: [3, 1] },
      { itemBytes: 4, elementOffset: 8, shape: [2, 3], strides: [3, 1] },
    ])
  })

  it("leaves a view whole that fits", () => {
    const view = { itemBytes: 2, elementOffset: 5, shape: [2, 2], strides: [1, 2] }
    expect(blocksOf(view, 8)).toEqual([view])
    expect(memoryBlocks(view, 8).spanBytes).toBe(8)
  })

  it("divides one element that is repeated", () => {
    const view = { itemBytes: 4, elementOffset: 7, shape: [10], strides: [0] }
    expect(blocksOf(view, 16).map(({ shape }) => shape)).toEqual([[4], [4], [2]])
  })

  it("takes elements one by one that lie too far apart", () => {
    const view = { itemBytes: 4, elementOffset: 0, shape: [3], strides: [1000] }
    expect(blocksOf(view, 64).map(({ elementOffset }) => elementOffset)).toEqual([0, 1000, 2000])
  })

  it("covers every view with its own elements, in blocks of bounded span", () => {
    const dimension = fc.record({
      size: fc.integer({ min: 1, max: 5 }),
      stride: fc.integer({ min: 0, max: 40 }),
    })
    fc.assert(
      fc.property(
        fc.array(dimension, { maxLength: 4 }),
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(1, 2, 4, 8),
        fc.integer({ min: 8, max: 400 }),
        (dimensions, elementOffset, itemBytes, mostBytes) => {
          const shape = dimensions.map(({ size }) => size)
          const strides = dimensions.map(({ stride }) => stride)
          const view = { itemBytes, elementOffset, shape, strides }
          const blocks = blocksOf(view, mostBytes)
          expect(ascending(blocks.flatMap(offsetsOf))).toEqual(ascending(offsetsOf(view)))
          const { spanBytes } = memoryBlocks(view, mostBytes)
          for (const block of blocks) {
            expect(spanBytesOf(block)).toBeLessThanOrEqual(spanBytes)
            expect(elementCountOf(block) * itemBytes).toBeLessThanOrEqual(mostBytes)
          }
          expect(spanBytes).toBeLessThanOrEqual(mostBytes)
        },
      ),
    )
  })
})
