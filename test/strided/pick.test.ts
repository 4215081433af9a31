import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ElementFixes } from "../../src/plan/segments.ts"
import { fixElements, pickElements } from "../../src/transfer/gather-elements.ts"
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
        pickElements({ window, itemBytes, ...given }, first, count, target)
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
          pickElements({ window, itemBytes, ...given }, first, count, target)
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
    pickElements({ window, itemBytes, shape: [3], strides: [0], base: 0 }, 0, 3, target)
    const [element] = [window.subarray(0, itemBytes)]
    expect(Buffer.concat([element, element, element]).equals(target)).toBe(true)
  })
})

/** One part of `partBytes`, as DataView reads and writes numbers. */
function fixedPart(part: Uint8Array, { swapBytes, negation }: ElementFixes, negated: boolean): Uint8Array {
  const out = new Uint8Array(part.length)
  const from = new DataView(part.buffer, part.byteOffset, part.length)
  const to = new DataView(out.buffer)
  const little = !swapBytes
  const change = (value: bigint, bits: number): bigint => {
    if (!negated) return value
    return negation === "sign-bit" ? value ^ (1n << BigInt(bits - 1)) : BigInt.asUintN(bits, -value)
  }
  const bits = part.length * 8
  if (bits === 8) to.setUint8(0, Number(change(BigInt(from.getUint8(0)), bits)))
  if (bits === 16) to.setUint16(0, Number(change(BigInt(from.getUint16(0, little)), bits)), true)
  if (bits === 32) to.setUint32(0, Number(change(BigInt(from.getUint32(0, little)), bits)), true)
  if (bits === 64) to.setBigUint64(0, change(from.getBigUint64(0, little), bits), true)
  return out
}

function fixedNaively(bytes: Uint8Array, fixes: ElementFixes): Uint8Array {
  const { partBytes, negate } = fixes
  const parts: Uint8Array[] = []
  for (let i = 0; i * partBytes < bytes.length; i++) {
    const imaginary = i % 2 === 1
    const negated =
      negate === "all" || (negate === "real" && !imaginary) || (negate === "imaginary" && imaginary)
    parts.push(fixedPart(bytes.slice(i * partBytes, (i + 1) * partBytes), fixes, negated))
  }
  return Buffer.concat(parts)
}

describe("fixing", () => {
  const fixes: fc.Arbitrary<ElementFixes> = fc
    .record({
      partBytes: fc.constantFrom(1, 2, 4, 8),
      swapBytes: fc.boolean(),
      negate: fc.constantFrom<ElementFixes["negate"][]>("none", "all", "real", "imaginary"),
      negation: fc.constantFrom<ElementFixes["negation"][]>("sign-bit", "twos-complement"),
      normalizeBools: fc.constant(false),
    })
    // Complex numbers are floats.
    .filter(({ negate, negation }) => negation === "sign-bit" || negate === "none" || negate === "all")

  it("does what DataView says, part by part", () => {
    fc.assert(
      fc.property(fixes, fc.nat(40), fc.nat(), (each, pairs, seed) => {
        const bytes = new Uint8Array(noise(pairs * 2 * each.partBytes, seed))
        const expected = fixedNaively(bytes, each)
        fixElements(bytes, each)
        expect(Buffer.compare(bytes, expected)).toBe(0)
      }),
      { seed: 5, numRuns: depth({ quick: 300, deep: 1500 }) },
    )
  })

  it.each([
    // Made with torch 2.13, element by element (test/oracle/negation.test.ts has all patterns).
    ["float16", [0x3c00, 0xbc00, 0, 0x7c00, 0x7c01, 0xfc01, 0x7dff, 0x7e00, 0xffff, 0x03ff]],
    ["bfloat16", [0x3f80, 0xbf80, 0, 0x7f80, 0x7f81, 0xff81, 0x7fc0, 0xffc0, 0xffff, 0x007f]],
  ] as const)("quiets the NaNs of %s as torch does", (negation, given) => {
    const expected = {
      float16: [0xbc00, 0x3c00, 0x8000, 0xfc00, 0xfe01, 0x7e01, 0xffff, 0xfe00, 0x7fff, 0x83ff],
      bfloat16: [0xbf80, 0x3f80, 0x8000, 0xff80, 0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0, 0x807f],
    }[negation]
    const bytes = new Uint8Array(Uint16Array.from(given).buffer)
    fixElements(bytes, { partBytes: 2, swapBytes: false, negate: "all", negation, normalizeBools: false })
    expect([...new Uint16Array(bytes.buffer)]).toEqual(expected)
  })

  it.each([
    ["int8", [0x80, 0x01, 0x00, 0xff], 1, [0x80, 0xff, 0x00, 0x01]],
    ["int16", [0x00, 0x80, 0x01, 0x00], 2, [0x00, 0x80, 0xff, 0xff]],
    ["int32", [0x00, 0x00, 0x00, 0x80, 0x00, 0x01, 0x00, 0x00], 4, [0, 0, 0, 0x80, 0, 0xff, 0xff, 0xff]],
  ] as const)("leaves the smallest %s as it is, and carries", (_, given, partBytes, expected) => {
    const bytes = Uint8Array.from(given)
    const rest = { swapBytes: false, negation: "twos-complement", normalizeBools: false } as const
    fixElements(bytes, { partBytes, negate: "all", ...rest })
    expect([...bytes]).toEqual(expected)
  })

  it("makes 1 of every byte but 0, where these are bools", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const rest = { swapBytes: false, negate: "none", negation: "sign-bit" } as const
    fixElements(bytes, { partBytes: 1, normalizeBools: true, ...rest })
    expect([...bytes]).toEqual(Array.from({ length: 256 }, (_, byte) => (byte === 0 ? 0 : 1)))
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
        { window, itemBytes, shape: shape as number[], strides: strides as number[], base: 0 },
        first,
        count,
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
