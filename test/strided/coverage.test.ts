import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import {
  type ByteLattice,
  type Coverage,
  type CoverageBudget,
  coverageOf,
  latticeOf,
} from "../../src/strided/coverage.ts"
import { depth } from "../depth.ts"
import { DTYPES } from "../property/dtypes.ts"
import { elementsNeeded } from "../property/model.ts"
import { makeView, type View, view } from "../property/random-view.ts"
import { markBytes } from "../property/unreferenced-reference.ts"

const NO_BUDGET = 0
const plenty = (): CoverageBudget => ({ dimensions: 10_000, runs: 2 ** 20 })

function latticesOf(views: readonly (View & { readonly itemBytes: number })[]): readonly ByteLattice[] {
  return views.flatMap(({ itemBytes, offset, shape, strides }) => {
    return latticeOf({ shape, strides, elementOffset: offset }, itemBytes) ?? []
  })
}

/** A view of single bytes. */
const bytes = (
  offset: number,
  ...levels: readonly (readonly [count: number, stride: number])[]
): View & { itemBytes: number } => ({
  itemBytes: 1,
  offset,
  shape: levels.map(([count]) => count),
  strides: levels.map(([, stride]) => stride),
})

const cover = (views: readonly (View & { readonly itemBytes: number })[], budget = plenty()): Coverage =>
  atOnce(coverageOf(latticesOf(views), budget))

function marked(views: readonly (View & { readonly itemBytes: number })[]): number {
  const length = Math.max(0, ...views.map((v) => elementsNeeded(v.offset, v.shape, v.strides) * v.itemBytes))
  const marks = new Uint8Array(length)
  for (const each of views) {
    const dtype = DTYPES.find(({ itemBytes }) => itemBytes === each.itemBytes)
    if (dtype !== undefined) markBytes(marks, { ...each, dtype })
  }
  return marks.reduce((sum, mark) => sum + mark, 0)
}

const anyView = fc.oneof(
  fc.record({ seed: view, itemBytes: fc.constantFrom(1, 2, 4, 8) }).map(({ seed, itemBytes }) => {
    const dims = seed.dims.map((size) => Math.min(size, 12))
    return { ...makeView({ ...seed, dims }), itemBytes }
  }),
  // Steps that interleave, and slices of one matrix.
  fc
    .record({
      levels: fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(14)), { maxLength: 4 }),
      offset: fc.nat(40),
    })
    .map(({ levels, offset }) => bytes(offset, ...levels)),
  fc
    .record({ rows: fc.constantFrom(4, 4, 4, 2), first: fc.nat(9), width: fc.integer({ min: 1, max: 6 }) })
    .map(({ rows, first, width }) => bytes(first, [rows, 16], [width, 1])),
)

describe("the bytes that views cover", () => {
  it("are as many as a bitmap counts", () => {
    const property = fc.property(fc.array(anyView, { maxLength: 6 }), (views) => {
      expect(cover(views)).toEqual({ byteLength: marked(views), exact: true })
    })
    fc.assert(property, { seed: 11, numRuns: depth({ quick: 400, deep: 4000 }) })
  })

  it("are never more than that where little may be spent, and equal where it says so", () => {
    let inexact = 0
    const budgets = fc.record({ dimensions: fc.nat(12), runs: fc.nat(12) })
    const property = fc.property(fc.array(anyView, { maxLength: 6 }), budgets, (views, budget) => {
      const { byteLength, exact } = cover(views, { ...budget })
      if (exact) expect(byteLength).toBe(marked(views))
      else inexact++
      expect(byteLength).toBeLessThanOrEqual(marked(views))
    })
    fc.assert(property, { seed: 12, numRuns: depth({ quick: 400, deep: 4000 }) })
    expect(inexact).toBeGreaterThan(100)
  })

  const million = 1_000_000
  it.each([
    ["nothing", [], 0],
    ["an empty view", [bytes(5, [0, 1], [3, 1])], 0],
    ["a scalar", [{ ...bytes(2), itemBytes: 8 }], 8],
    ["one element repeated", [bytes(3, [million, 0])], 1],
    ["a transposed matrix", [bytes(0, [1000, 1], [1000, 1000])], million],
    ["overlapping windows", [bytes(0, [million, 1], [3, 1])], million + 2],
    ["rows of a matrix", [bytes(4000, [2, 1000], [1000, 1])], 2000],
    ["columns of a matrix", [bytes(7, [million, 1000], [3, 1])], 3 * million],
    ["every third element", [bytes(0, [million, 3])], million],
    [
      "columns that tile a matrix",
      [0, 1, 2].map((part) => bytes(part * 50, [million, 150], [50, 1])),
      150 * million,
    ],
    [
      "columns that overlap",
      [bytes(0, [million, 150], [60, 1]), bytes(50, [million, 150], [60, 1])],
      110 * million,
    ],
    [
      "columns of one matrix in two shapes",
      [bytes(0, [1000, 15_000], [100, 150], [60, 1]), bytes(50, [100_000, 150], [70, 1])],
      120 * 100_000,
    ],
    [
      "a whole and its columns",
      [bytes(0, [150 * million, 1]), bytes(3, [million, 150], [2, 1])],
      150 * million,
    ],
    ["two halves", [bytes(0, [million, 1]), bytes(million, [million, 1])], 2 * million],
    [
      "the same columns again and again",
      Array.from({ length: 1000 }, () => bytes(7, [million, 10], [3, 1])),
      3 * million,
    ],
  ])("are counted exactly without writing out runs: %s", (_, views, expected) => {
    const budget = { dimensions: 10_000, runs: NO_BUDGET }
    expect(cover(views, budget)).toEqual({ byteLength: expected, exact: true })
  })

  it("are at least those of the largest view, where runs would have to be written out", () => {
    const crossing = [bytes(0, [million, 10], [3, 1]), bytes(1, [million - 7, 9], [2, 1])]
    const budget = { dimensions: 10_000, runs: 1000 }
    expect(cover(crossing, budget)).toEqual({ byteLength: 3 * million, exact: false })
    expect(budget.runs).toBe(1000)
  })

  it("use up what may be spent", () => {
    const crossing = [bytes(0, [100, 10], [3, 1]), bytes(1, [93, 9], [2, 1])]
    const budget = plenty()
    cover(crossing, budget)
    expect(budget.runs).toBe(2 ** 20 - 193)
    expect(budget.dimensions).toBeLessThan(10_000)
  })
})
