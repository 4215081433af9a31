import fc from "fast-check"
import { expect, it } from "vitest"
import type { Dimensions } from "../../src/strided/view.ts"
import {
  elementCountOf,
  isContiguous,
  lastOffsetOf,
  mergeDimensions,
  offsetAt,
  spanOf,
} from "../../src/strided/view.ts"

const dimensions = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.oneof(fc.nat(12), fc.constantFrom(1, 4, 16))), {
    maxLength: 5,
  })
  .map(
    (each): Dimensions => ({ shape: each.map(([size]) => size), strides: each.map(([, stride]) => stride) }),
  )

/** Where each element lies, in the view's order: one index after the other, without a division. */
const offsetsOf = ({ shape, strides }: Dimensions): readonly number[] =>
  shape.reduce(
    (offsets, size, d) =>
      offsets.flatMap((offset) => Array.from({ length: size }, (_, i) => offset + i * (strides[d] ?? 0))),
    [0],
  )

it("a view has the count, the offsets, the span and the order of its elements", () => {
  fc.assert(
    fc.property(dimensions, (view) => {
      const offsets = offsetsOf(view)
      expect(elementCountOf(view.shape)).toBe(offsets.length)
      expect(offsets.map((_, element) => offsetAt(view, element))).toEqual(offsets)
      expect(spanOf(view)).toBe(Math.max(...offsets) + 1)
      expect(isContiguous(view)).toBe(offsets.every((offset, element) => offset === element))
      const merged = mergeDimensions(view)
      expect(offsetsOf(merged)).toEqual(offsets)
      expect(merged.shape).not.toContain(1)
    }),
  )
})

it.each([
  [[2 ** 53 - 1], [1]],
  [[2], [2 ** 53 - 1]],
  [
    [3, 2],
    [2 ** 52 - 1, 1],
  ],
])("the last offset is exact as long as a number holds it: %j by %j", (shape, strides) => {
  const exact = shape.reduce((sum, size, d) => sum + BigInt(size - 1) * BigInt(strides[d] ?? 0), 0n)
  expect(BigInt(lastOffsetOf({ shape, strides }))).toBe(exact)
})

it.each([
  [
    [2, 2],
    [2 ** 53 - 1, 1],
  ],
  [[3], [2 ** 52]],
  [
    [2 ** 53 - 1, 2 ** 53 - 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
  ],
])("the last offset beyond that is no safe integer: %j by %j", (shape, strides) => {
  expect(Number.isSafeInteger(lastOffsetOf({ shape, strides }))).toBe(false)
})
