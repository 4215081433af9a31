import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { pickElements } from "../../src/strided/elements.ts"
import { depth } from "../depth.ts"
import { noise } from "../property/model.ts"

const WIDTHS = [1, 2, 4, 8, 16] as const

const dimensions = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(30)), { maxLength: 4 })

interface Case {
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly base: number
  readonly elements: number
  readonly windowElements: number
}

function makeCase(sizes: readonly (readonly [number, number])[], base: number): Case {
  const shape = sizes.map(([size], d) => (d > 1 ? Math.min(size, 3) : size))
  const strides = sizes.map(([, stride]) => stride)
  const elements = shape.reduce((product, size) => product * size, 1)
  const last = shape.reduce((sum, size, d) => sum + (size - 1) * (strides[d] ?? 0), base)
  return { shape, strides, base, elements, windowElements: last + 1 }
}

/** One element after the other, as bytes. */
function naive(window: Uint8Array, itemBytes: number, given: Case, first: number, count: number): Uint8Array {
  const picked: number[] = []
  for (let element = first; element < first + count; element++) {
    let left = element
    let index = given.base
    for (let d = given.shape.length - 1; d >= 0; d--) {
      index += (left % (given.shape[d] ?? 1)) * (given.strides[d] ?? 0)
      left = Math.floor(left / (given.shape[d] ?? 1))
    }
    picked.push(...window.subarray(index * itemBytes, (index + 1) * itemBytes))
  }
  return Uint8Array.from(picked)
}

describe.each(WIDTHS)("elements of %i bytes", (itemBytes) => {
  it("are picked from anywhere in the view", () => {
    fc.assert(
      fc.property(dimensions, fc.nat(5), fc.nat(), fc.nat(), (sizes, base, a, b) => {
        const given = makeCase(sizes, base)
        const window = new Uint8Array(noise(given.windowElements * itemBytes, a))
        const first = a % given.elements
        const count = 1 + (b % (given.elements - first))
        const target = new Uint8Array(count * itemBytes)
        pickElements({ ...given, window: window.subarray(base * itemBytes), itemBytes }, first, target)
        expect(Buffer.compare(target, naive(window, itemBytes, given, first, count))).toBe(0)
      }),
      { seed: itemBytes, numRuns: depth({ quick: 80, deep: 400 }) },
    )
  })

  it("are picked the same in pieces of any length, into a buffer that is used again", () => {
    fc.assert(
      fc.property(dimensions, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sizes, cuts) => {
        const given = makeCase(sizes, 0)
        const window = new Uint8Array(noise(given.windowElements * itemBytes, 3))
        const buffer = new Uint8Array(64 * 16)
        const parts: Uint8Array[] = []
        for (let first = 0, i = 0; first < given.elements; i++) {
          const count = Math.min(cuts[i % cuts.length] ?? 1, given.elements - first)
          const target = buffer.subarray(0, count * itemBytes)
          pickElements({ ...given, window, itemBytes }, first, target)
          parts.push(target.slice())
          first += count
        }
        const whole = naive(window, itemBytes, given, 0, given.elements)
        expect(Buffer.compare(Buffer.concat(parts), whole)).toBe(0)
      }),
      { seed: itemBytes, numRuns: depth({ quick: 40, deep: 150 }) },
    )
  })

  it("keep every bit of a signalling NaN", () => {
    const window = new Uint8Array(4 * itemBytes).fill(0xff)
    window.fill(0xf7, itemBytes - 1, itemBytes)
    const target = new Uint8Array(3 * itemBytes)
    pickElements({ window, itemBytes, shape: [3], strides: [0] }, 0, target)
    const [element] = [window.subarray(0, itemBytes)]
    expect(Buffer.concat([element, element, element]).equals(target)).toBe(true)
  })
})

describe("transposed planes", () => {
  it.each([
    [1, 200],
    [2, 130],
    [4, 65],
    [4, 300],
  ])("of items of %i bytes and rows of %i come as element by element", (itemBytes, columns) => {
    const [planes, rows] = [3, 70]
    const elements = planes * rows * columns
    const window = Uint8Array.from({ length: elements * itemBytes }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff)
    // Columns lie apart, rows side by side, planes behind one another.
    const [shape, strides] = [
      [planes, rows, columns],
      [rows * columns, 1, rows],
    ]
    const at = (element: number): number => {
      const [plane, inPlane] = [Math.floor(element / (rows * columns)), element % (rows * columns)]
      return plane * rows * columns + Math.floor(inPlane / columns) + (inPlane % columns) * rows
    }
    const ranges = [
      [0, elements],
      [1, elements - 1],
      [columns - 1, columns * 90 + 2],
      [columns * 5, columns * 3],
      [columns * 68 + 3, columns * 5],
    ] as const
    for (const [first, count] of ranges) {
      const target = new Uint8Array(count * itemBytes)
      pickElements(
        { window, itemBytes, shape: shape as number[], strides: strides as number[] },
        first,
        target,
      )
      const expected = new Uint8Array(count * itemBytes)
      for (let i = 0; i < count; i++) {
        const from = at(first + i) * itemBytes
        expected.set(window.subarray(from, from + itemBytes), i * itemBytes)
      }
      expect(Buffer.compare(target, expected)).toBe(0)
    }
  })
})
