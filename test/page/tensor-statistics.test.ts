import { expect, it } from "vitest"
import type { TensorStatistics } from "../../examples/web/src/model/tensor-statistics.ts"
import { gatherStatistics } from "../../examples/web/src/model/tensor-statistics.ts"

/** In pieces, as they come from a file. */
function statistics(values: readonly number[], whole = false, piece = 3): Promise<TensorStatistics> {
  return gatherStatistics(async (take) => {
    for (let at = 0; at < values.length; at += piece) take(Float64Array.from(values.slice(at, at + piece)))
  }, whole)
}

const NAN = Number.NaN
const INF = Number.POSITIVE_INFINITY

it("counts what is not finite and describes the rest", async () => {
  const found = await statistics([1, NAN, 3, INF, -INF, 0, -0, NAN, 4])
  expect(found).toMatchObject({
    valueCount: 9,
    nanCount: 2,
    positiveInfinityCount: 1,
    negativeInfinityCount: 1,
    zeroCount: 2,
    range: { min: 0, max: 4 },
    mean: 1.6,
  })
  expect(found.standardDeviation).toBeCloseTo(Math.sqrt(2.64), 12)
  expect(found.histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(5)
})

it("says nothing of nothing", async () => {
  expect(await statistics([])).toMatchObject({
    valueCount: 0,
    range: undefined,
    mean: NAN,
    histogram: undefined,
  })
  expect(await statistics([NAN, INF])).toMatchObject({
    valueCount: 2,
    range: undefined,
    histogram: undefined,
  })
})

it("puts both ends and the middle into their bins", async () => {
  const { histogram } = await statistics(Array.from({ length: 97 }, (_, i) => i))
  expect([histogram?.start, histogram?.end]).toEqual([0, 96])
  expect(histogram?.counts).toEqual([...Array.from({ length: 47 }, () => 2), 3])
})

it("gives each of a few whole numbers a bin of its own", async () => {
  const { histogram } = await statistics([0, 1, 1, 3], true)
  expect(histogram).toEqual({ start: -0.5, end: 3.5, counts: [1, 2, 0, 1] })
})

it("takes one value, values that lie far apart, and values that lie far out", async () => {
  expect((await statistics([5, 5])).histogram?.counts.filter((count) => count > 0)).toEqual([2])
  const wide = await statistics([-Number.MAX_VALUE, Number.MAX_VALUE])
  expect(wide.histogram?.counts).toEqual([1, ...Array.from({ length: 46 }, () => 0), 1])
  expect([wide.mean, wide.standardDeviation]).toEqual([0, Number.MAX_VALUE])
  expect((await statistics([1, 2, 3, 1e200, 3e200])).mean).toBeCloseTo(8e199, -190)
  // A plain sum of squares would say 0 or worse.
  const far = await statistics([1e9, 1e9 + 1, 1e9 + 2], false, 1)
  expect(far.standardDeviation).toBeCloseTo(Math.sqrt(2 / 3), 6)
})
