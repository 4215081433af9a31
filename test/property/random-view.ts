/** Random shapes, and strides as torch's views have them. */

import fc from "fast-check"
import { contiguousStrides } from "./model.ts"

/** Elements of a usual tensor, and of one that crosses the bounds of windows and chunks. */
const SMALL_ELEMENTS = 200

/** What a view is made from. */
export interface ViewSeed {
  readonly dims: readonly number[]
  readonly kind: "contiguous" | "permuted" | "stepped" | "expanded" | "strided"
  readonly numbers: readonly number[]
  readonly offset: number
}

/** A strided view. */
export interface View {
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
}

const dims = fc.oneof(
  { weight: 60, arbitrary: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 6 }) },
  { weight: 8, arbitrary: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }) },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ min: 90, max: 900 }), fc.integer({ min: 90, max: 700 })) },
)

export const view: fc.Arbitrary<ViewSeed> = fc.record({
  dims,
  kind: fc.constantFrom("contiguous", "contiguous", "permuted", "stepped", "expanded", "strided"),
  numbers: fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }),
  offset: fc.oneof(fc.constant(0), fc.nat(9)),
})

const isLarge = ({ dims: sizes }: ViewSeed): boolean => sizes.some((size) => size > 50)

/** Sizes that together stay small, unless they were meant to be large. */
function shapeOf(seed: ViewSeed): number[] {
  if (isLarge(seed)) return [...seed.dims]
  let product = 1
  return seed.dims.map((size) => {
    const kept = size * product > SMALL_ELEMENTS ? 1 : size
    product *= Math.max(kept, 1)
    return kept
  })
}

export function makeView(seed: ViewSeed): View {
  const { kind, numbers, offset } = seed
  const shape = shapeOf(seed)
  const number = (d: number): number => numbers[d] ?? 0
  switch (kind) {
    case "contiguous":
      return { shape, strides: contiguousStrides(shape), offset }
    case "permuted": {
      const order = shape.map((_, d) => d).sort((a, b) => number(a) - number(b))
      const strides = contiguousStrides(shape)
      return { shape: order.map((d) => shape[d] ?? 1), strides: order.map((d) => strides[d] ?? 1), offset }
    }
    case "stepped": {
      const steps = shape.map((_, d) => (isLarge(seed) ? 1 : 1 + (number(d) % 3)))
      const base = contiguousStrides(shape.map((size, d) => size * (steps[d] ?? 1) + (number(d) % 2)))
      return { shape, strides: base.map((stride, d) => stride * (steps[d] ?? 1)), offset }
    }
    case "expanded":
      return { shape, strides: contiguousStrides(shape).map((s, d) => (number(d) % 2 === 0 ? 0 : s)), offset }
    case "strided":
      return { shape, strides: shape.map((_, d) => number(d)), offset }
  }
}
