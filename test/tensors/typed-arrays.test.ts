import { describe, expect, expectTypeOf, it } from "vitest"
import type { SafetensorsDtype } from "../../src/safetensors/dtypes.ts"
import { toFloat32Array, toTypedArray } from "../../src/tensors/typed-arrays.ts"

type Bytes = Uint8Array<ArrayBuffer>

const bytesOf = ({ buffer }: { buffer: ArrayBuffer }): Bytes => new Uint8Array(buffer)

/** The same bytes at an odd place in memory. */
function unaligned(bytes: Bytes): Bytes {
  const copy = new Uint8Array(bytes.length + 1)
  copy.set(bytes, 1)
  return copy.subarray(1)
}

/** All codes of `bits` bits, little-endian, in order. */
function allCodes(bits: 8 | 16): Bytes {
  const codes = Array.from({ length: 2 ** bits }, (_, code) => code)
  return bits === 8
    ? Uint8Array.from(codes)
    : Uint8Array.from(codes.flatMap((code) => [code % 256, code >> 8]))
}

interface Float {
  readonly exponentBits: number
  readonly mantissaBits: number
  readonly bias: number
  /** What codes mean that are no numbers by the rule. */
  readonly special: (sign: number, exponent: number, mantissa: number) => number | undefined
}

const ieee =
  (largest: number): Float["special"] =>
  (sign, exponent, mantissa) => {
    if (exponent !== largest) return undefined
    return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  }

const unsignedZero: Float["special"] = (sign, exponent, mantissa) =>
  sign < 0 && exponent === 0 && mantissa === 0 ? Number.NaN : undefined

/** By sign, exponent and mantissa of the binary digits. */
const FLOATS: readonly (readonly [SafetensorsDtype, Float])[] = [
  ["F16", { exponentBits: 5, mantissaBits: 10, bias: 15, special: ieee(31) }],
  ["BF16", { exponentBits: 8, mantissaBits: 7, bias: 127, special: ieee(255) }],
  ["F8_E5M2", { exponentBits: 5, mantissaBits: 2, bias: 15, special: ieee(31) }],
  [
    "F8_E4M3",
    {
      exponentBits: 4,
      mantissaBits: 3,
      bias: 7,
      special: (_, exponent, mantissa) => (exponent === 15 && mantissa === 7 ? Number.NaN : undefined),
    },
  ],
  ["F8_E4M3FNUZ", { exponentBits: 4, mantissaBits: 3, bias: 8, special: unsignedZero }],
  ["F8_E5M2FNUZ", { exponentBits: 5, mantissaBits: 2, bias: 16, special: unsignedZero }],
]

function valueOfCode(code: number, { exponentBits, mantissaBits, bias, special }: Float): number {
  const digits = code.toString(2).padStart(1 + exponentBits + mantissaBits, "0")
  const sign = digits[0] === "1" ? -1 : 1
  const exponent = Number.parseInt(digits.slice(1, 1 + exponentBits), 2)
  const mantissa = Number.parseInt(digits.slice(1 + exponentBits), 2)
  const magnitude =
    exponent === 0
      ? (mantissa / 2 ** mantissaBits) * 2 ** (1 - bias)
      : (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias)
  return special(sign, exponent, mantissa) ?? sign * magnitude
}

/** `toEqual` tells 0 from -0 and takes every NaN for the same. */
function expectValues(actual: Float32Array, expected: ArrayLike<number>): void {
  expect(Array.from(actual)).toEqual(Array.from(expected))
}

describe("values as float32", () => {
  it.each(FLOATS)("of every code of %s", (dtype, format) => {
    const bits = (1 + format.exponentBits + format.mantissaBits) as 8 | 16
    const expected = Array.from({ length: 2 ** bits }, (_, code) => valueOfCode(code, format))
    expectValues(toFloat32Array(allCodes(bits), dtype), expected)
    expectValues(toFloat32Array(unaligned(allCodes(bits)), dtype), expected)
  })

  it("of every code of F8_E8M0", () => {
    const expected = Array.from({ length: 255 }, (_, code) => 2 ** (code - 127))
    expectValues(toFloat32Array(allCodes(8), "F8_E8M0"), [...expected, Number.NaN])
  })

  it("of every byte of F4, the low half first", () => {
    const magnitudes = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    const halves = [...magnitudes, ...magnitudes.map((each) => -each)]
    const expected = halves.flatMap((high) => halves.flatMap((low) => [low, high]))
    expectValues(toFloat32Array(allCodes(8), "F4"), expected)
  })

  it("of all small integers and bools", () => {
    const codes = Array.from({ length: 65_536 }, (_, code) => code)
    expectValues(toFloat32Array(allCodes(16), "U16"), codes)
    expectValues(
      toFloat32Array(allCodes(16), "I16"),
      codes.map((code) => (code < 32_768 ? code : code - 65_536)),
    )
    expectValues(toFloat32Array(allCodes(8), "U8"), codes.slice(0, 256))
    expectValues(
      toFloat32Array(allCodes(8), "I8"),
      codes.slice(0, 256).map((code) => (code < 128 ? code : code - 256)),
    )
    expectValues(
      toFloat32Array(allCodes(8), "BOOL"),
      codes.slice(0, 256).map((code) => Math.min(code, 1)),
    )
  })

  it("of wide numbers are the nearest", () => {
    const integers = [0, 1, 2 ** 24 + 1, 2 ** 24 + 3, 2 ** 31 - 1]
    expectValues(toFloat32Array(bytesOf(Int32Array.from(integers)), "I32"), Float32Array.from(integers))
    expectValues(toFloat32Array(bytesOf(Uint32Array.of(2 ** 32 - 1)), "U32"), [2 ** 32])
    const doubles = [0.1, -0, 1e300, -1e-300, 2 ** -149, 2 ** -150, Number.NaN, Number.NEGATIVE_INFINITY]
    expectValues(toFloat32Array(bytesOf(Float64Array.from(doubles)), "F64"), doubles.map(Math.fround))
  })

  it("of F32 are its own, and lie where the bytes do", () => {
    const floats = Float32Array.of(1.5, -0, Number.NaN, 0.1)
    const values = toFloat32Array(bytesOf(floats), "F32")
    expectValues(values, floats)
    expect(values.buffer).toBe(floats.buffer)
  })

  it.each(["C64", "F6_E2M3", "F6_E3M2"] as const)("of %s are refused", (dtype) => {
    expect(() => toFloat32Array(new Uint8Array(24), dtype)).toThrow(dtype)
  })
})

/** The float32 nearest to an integer, ties to even, by division with a remainder. */
function nearestByDivision(value: bigint): number {
  const magnitude = value < 0n ? -value : value
  const excess = BigInt(Math.max(0, magnitude.toString(2).length - 24))
  const unit = 1n << excess
  const below = magnitude / unit
  const twice = 2n * (magnitude % unit)
  const isUp = twice > unit || (twice === unit && below % 2n === 1n)
  const rounded = Number((isUp ? below + 1n : below) * unit)
  return value < 0n ? -rounded : rounded
}

describe("float32 of 64-bit integers", () => {
  /** Powers of two, the halfway points between floats above them, and what lies closest to these. */
  const magnitudes = Array.from({ length: 64 }, (_, exponent) => 1n << BigInt(exponent)).flatMap((power) => {
    const half = power >> 24n
    const near = [power, power + half, power + 3n * half, power + (power >> 1n), 2n * power - half]
    return near.flatMap((each) => [-1025n, -1n, 0n, 1n, 1024n].map((step) => each + step))
  })

  it("is the nearest to int64", () => {
    const all = magnitudes.flatMap((each) => [BigInt.asIntN(64, each), BigInt.asIntN(64, -each)])
    const expected = all.map(nearestByDivision)
    expectValues(toFloat32Array(bytesOf(BigInt64Array.from(all)), "I64"), expected)
    // Such that to round twice would be wrong are among them.
    expect(all.map((each) => Math.fround(Number(each)))).not.toEqual(expected)
  })

  it("is the nearest to uint64", () => {
    const all = magnitudes.map((each) => BigInt.asUintN(64, each))
    expectValues(toFloat32Array(bytesOf(BigUint64Array.from(all)), "U64"), all.map(nearestByDivision))
  })
})

const ARRAYS = [
  ["F64", Float64Array.of(0.1, -0, Number.NaN)],
  ["F32", Float32Array.of(1.5, -2)],
  ["I64", BigInt64Array.of(-(2n ** 63n), 7n)],
  ["U64", BigUint64Array.of(2n ** 64n - 1n)],
  ["I32", Int32Array.of(-5, 6)],
  ["U32", Uint32Array.of(2 ** 32 - 1, 0)],
  ["I16", Int16Array.of(-32_768, 1)],
  ["U16", Uint16Array.of(65_535)],
  ["I8", Int8Array.of(-128, 127)],
  ["U8", Uint8Array.of(0, 255)],
  ["BOOL", Uint8Array.of(0, 1)],
  ["F16", Uint16Array.of(0x3c00, 0x7e01)],
  ["BF16", Uint16Array.of(0x3f80)],
  ["F8_E4M3", Uint8Array.of(0x7f)],
  ["F8_E4M3FNUZ", Uint8Array.of(0x80)],
  ["F8_E5M2", Uint8Array.of(0x7d)],
  ["F8_E5M2FNUZ", Uint8Array.of(0x80)],
  ["F8_E8M0", Uint8Array.of(0xff)],
  ["F6_E2M3", Uint8Array.of(1, 2, 3)],
  ["F6_E3M2", Uint8Array.of(1, 2, 3)],
  ["F4", Uint8Array.of(0x1f)],
  ["C64", Float32Array.of(1, -2, 3, 4)],
] as const

describe("typed arrays", () => {
  it.each(ARRAYS)("of %s", (dtype, array) => {
    const bytes = bytesOf(array)
    const made = toTypedArray(bytes, dtype)
    expect(made).toEqual(array)
    expect(made.buffer).toBe(bytes.buffer)
    expect(toTypedArray(unaligned(bytes), dtype)).toEqual(array)
  })

  it("of bools hold 0 and 1, whatever the bytes are", () => {
    const bytes = Uint8Array.of(0, 1, 2, 255)
    expect(toTypedArray(bytes, "BOOL")).toEqual(Uint8Array.of(0, 1, 1, 1))
    expect(bytes).toEqual(Uint8Array.of(0, 1, 2, 255))
  })

  it("of nothing are empty", () => {
    for (const [dtype] of ARRAYS) expect(toTypedArray(new Uint8Array(0), dtype)).toHaveLength(0)
    expect(toFloat32Array(new Uint8Array(0), "F4")).toHaveLength(0)
  })

  it.each(["F64", "C64", "I64", "BF16"] as const)("of %s take whole elements alone", (dtype) => {
    expect(() => toTypedArray(new Uint8Array(13), dtype)).toThrow("13 bytes are no elements of")
    expect(() => toTypedArray(new Uint8Array(12), "C64")).toThrow("12 bytes are no elements of 8 bytes")
    expect(() => toFloat32Array(new Uint8Array(12), "I64")).toThrow("12 bytes are no elements of 8 bytes")
  })

  it("have the type of the dtype", () => {
    const bytes = new Uint8Array(8)
    expectTypeOf(toTypedArray(bytes, "I64")).toEqualTypeOf<BigInt64Array<ArrayBuffer>>()
    expectTypeOf(toTypedArray(bytes, "F8_E4M3")).toEqualTypeOf<Uint8Array<ArrayBuffer>>()
    expectTypeOf(toTypedArray(bytes, "F16" as "F16" | "F32")).toEqualTypeOf<
      Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>
    >()
  })
})
