import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type ElementTransform, transformElements } from "../../src/strided/elements.ts"
import { depth } from "../depth.ts"
import { noise } from "../property/model.ts"

/** One part of `partBytes`, as DataView reads and writes numbers. */
function fixedPart(
  part: Uint8Array,
  { swapBytes, negation }: ElementTransform,
  negated: boolean,
): Uint8Array {
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

function fixedNaively(bytes: Uint8Array, transform: ElementTransform): Uint8Array {
  const { partBytes, negate } = transform
  const parts: Uint8Array[] = []
  for (let i = 0; i * partBytes < bytes.length; i++) {
    const imaginary = i % 2 === 1
    const negated =
      negate === "all" || (negate === "real" && !imaginary) || (negate === "imaginary" && imaginary)
    parts.push(fixedPart(bytes.slice(i * partBytes, (i + 1) * partBytes), transform, negated))
  }
  return Buffer.concat(parts)
}

describe("fixing", () => {
  const transform: fc.Arbitrary<ElementTransform> = fc
    .record({
      partBytes: fc.constantFrom(1, 2, 4, 8),
      swapBytes: fc.boolean(),
      negate: fc.constantFrom<ElementTransform["negate"][]>("none", "all", "real", "imaginary"),
      negation: fc.constantFrom<ElementTransform["negation"][]>("sign-bit", "twos-complement"),
      normalizeBools: fc.constant(false),
    })
    // Complex numbers are floats.
    .filter(({ negate, negation }) => negation === "sign-bit" || negate === "none" || negate === "all")

  it("does what DataView says, part by part", () => {
    fc.assert(
      fc.property(transform, fc.nat(40), fc.nat(), (each, pairs, seed) => {
        const bytes = new Uint8Array(noise(pairs * 2 * each.partBytes, seed))
        const expected = fixedNaively(bytes, each)
        transformElements(bytes, each)
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
    transformElements(bytes, {
      partBytes: 2,
      swapBytes: false,
      negate: "all",
      negation,
      normalizeBools: false,
    })
    expect([...new Uint16Array(bytes.buffer)]).toEqual(expected)
  })

  it.each([
    ["int8", [0x80, 0x01, 0x00, 0xff], 1, [0x80, 0xff, 0x00, 0x01]],
    ["int16", [0x00, 0x80, 0x01, 0x00], 2, [0x00, 0x80, 0xff, 0xff]],
    ["int32", [0x00, 0x00, 0x00, 0x80, 0x00, 0x01, 0x00, 0x00], 4, [0, 0, 0, 0x80, 0, 0xff, 0xff, 0xff]],
  ] as const)("leaves the smallest %s as it is, and carries", (_, given, partBytes, expected) => {
    const bytes = Uint8Array.from(given)
    const rest = { swapBytes: false, negation: "twos-complement", normalizeBools: false } as const
    transformElements(bytes, { partBytes, negate: "all", ...rest })
    expect([...bytes]).toEqual(expected)
  })

  it("makes 1 of every byte but 0, where these are bools", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const rest = { swapBytes: false, negate: "none", negation: "sign-bit" } as const
    transformElements(bytes, { partBytes: 1, normalizeBools: true, ...rest })
    expect([...bytes]).toEqual(Array.from({ length: 256 }, (_, byte) => (byte === 0 ? 0 : 1)))
  })
})
