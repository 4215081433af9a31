import { describe, expect, it } from "vitest"
import type { Segment } from "../../src/plan/plan.ts"
import { dict, planFor } from "../checkpoint/contents.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestTensor, tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")

async function segmentOf(given: TestTensor): Promise<Segment> {
  const { segments } = await planFor(dict({ w: given }))
  const [, segment] = segments
  if (segments.length !== 2 || segment === undefined) throw new Error(`${segments.length} segments`)
  return segment
}

describe("a copy", () => {
  it.each([
    ["a scalar", [], [], 3],
    ["a vector", [7], [1], 2],
    ["a matrix", [4, 5], [5, 1], 0],
    ["dimensions of one with any stride", [1, 4, 1, 5, 1], [999, 5, 0, 1, 77], 1],
    ["one element", [1, 1], [0, 5], 4],
    ["rank 6", [2, 1, 2, 1, 2, 2], [8, 9, 4, 9, 2, 1], 0],
  ])("is made for %s", async (_, shape, strides, offset) => {
    expect(await segmentOf(tensor(F32, shape, { strides, offset }))).toMatchObject({
      kind: "copy",
      offsetInExtent: offset * 4,
    })
  })
})

describe("a gather", () => {
  it.each([
    ["a transposed matrix", [5, 4], [1, 5], [5, 4], [1, 5]],
    ["steps", [5], [3], [5], [3]],
    ["one element again and again", [3, 4], [0, 0], [12], [0]],
    ["rows again and again", [3, 4], [0, 1], [3, 4], [0, 1]],
    ["columns of a matrix", [4, 2, 5], [10, 5, 1], [40], [1]],
    ["inner dimensions that step as one", [2, 3, 4], [100, 4, 1], [2, 12], [100, 1]],
    ["outer dimensions that step as one", [2, 3, 4], [12, 4, 2], [6, 4], [4, 2]],
    ["dimensions of one between them", [2, 1, 3, 1], [12, 5, 4, 9], [6], [4]],
    ["overlaps", [4, 4], [1, 1], [4, 4], [1, 1]],
  ])("has the fewest dimensions for %s", async (_, shape, strides, merged, mergedStrides) => {
    const segment = await segmentOf(tensor(F32, shape, { strides, neg: true, offset: 2 }))
    expect(segment).toMatchObject({
      kind: "gather",
      view: { itemBytes: 4, elementOffset: 2, shape: merged, strides: mergedStrides },
    })
  })

  it.each([
    ["float32", false, true, "all", "sign-bit", 4],
    ["int16", false, true, "all", "twos-complement", 2],
    ["uint64", false, true, "all", "twos-complement", 8],
    ["complex64", true, false, "imaginary", "sign-bit", 4],
    ["complex64", false, true, "all", "sign-bit", 4],
    ["complex64", true, true, "real", "sign-bit", 4],
  ])(
    "of %s with conj %s and neg %s changes the sign of %s parts",
    async (name, conj, neg, negate, negation, partBytes) => {
      const segment = await segmentOf(tensor(dtypeNamed(name), [4], { conj, neg }))
      expect(segment).toMatchObject({
        kind: "gather",
        transform: { negate, negation, partBytes, swapBytes: false },
      })
    },
  )
})

it("a tensor without elements has a place and no segment", async () => {
  const plan = await planFor(dict({ a: tensor(F32, [0, 3]), b: tensor(F32, [2]), c: tensor(F32, [3, 0]) }))
  expect(plan.segments.map(({ kind }) => kind)).toEqual(["header", "copy"])
  const starts = plan.report.tensors.map(({ start, byteLength }) => [
    start - plan.header.length - 8,
    byteLength,
  ])
  expect(starts).toEqual([
    [0, 0],
    [0, 8],
    [8, 0],
  ])
})
