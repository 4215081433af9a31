/** The inflater itself: data in any pieces, and each way in which deflate data can be broken. */

import { constants, deflateRawSync, inflateRawSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Inflater } from "../../src/bytes/inflater.ts"

const fail = (problem: string): Error => new Error(problem)

/** What `data` inflates to when it comes in pieces of `step` bytes; more than `most` bytes fail. */
function inflate(data: Uint8Array, most = 1_000_000, step = data.length): Inflated {
  const inflater = new Inflater(most, fail)
  const chunks: Uint8Array[] = []
  for (let at = 0; at < data.length; at += step) {
    chunks.push(...inflater.push(data.subarray(at, at + step), at + step >= data.length))
  }
  const { hasEnded, usedBytes, producedBytes } = inflater
  expect(producedBytes).toBe(chunks.reduce((sum, { length }) => sum + length, 0))
  return {
    bytes: Buffer.concat(chunks),
    hasEnded,
    usedBytes,
    longest: Math.max(0, ...chunks.map((c) => c.length)),
  }
}

interface Inflated {
  readonly bytes: Buffer
  readonly hasEnded: boolean
  readonly usedBytes: number
  readonly longest: number
}

type Field = readonly [value: number, count: number]

/** Fields of so many bits, the least significant first, as the bytes of deflate data. */
function bits(...fields: readonly Field[]): Uint8Array {
  const all = fields.flatMap(([value, count]) => Array.from({ length: count }, (_, i) => (value >>> i) & 1))
  const bytes = new Uint8Array(Math.ceil(all.length / 8))
  for (const [i, bit] of all.entries()) bytes[i >> 3] = (bytes[i >> 3] as number) | (bit << (i & 7))
  return bytes
}

/** The order of RFC 1951, 3.2.7. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/**
 * A last, dynamic block with these code lengths, which are all written in 4 bits as the code for lengths 0 to 15 is
 * complete, and then `rest`.
 */
function dynamic(
  literals: readonly number[],
  distances: readonly number[],
  ...rest: readonly Field[]
): Uint8Array {
  const mirrored = (length: number): number =>
    Number.parseInt(length.toString(2).padStart(4, "0").split("").reverse().join(""), 2)
  return bits(
    ...([
      [1, 1],
      [2, 2],
      [literals.length - 257, 5],
      [distances.length - 1, 5],
      [15, 4],
    ] as const),
    ...ORDER.map((symbol) => [symbol < 16 ? 4 : 0, 3] as const),
    ...[...literals, ...distances].map((length) => [mirrored(length), 4] as const),
    ...rest,
  )
}

/** Lengths of 257 literals and lengths, all 0 but for these. */
function literalLengths(used: Readonly<Record<number, number>>, count = 257): readonly number[] {
  return Array.from({ length: count }, (_, symbol) => used[symbol] ?? 0)
}

const TEXT = Buffer.from("the quick brown fox jumps over the lazy dog. ".repeat(200))

/** Bytes as often as the numbers of Fibonacci, which makes the longest codes that there are. */
const SKEWED = Buffer.concat(Array.from({ length: 22 }, (_, i) => Buffer.alloc(Math.round(1.618 ** i), i)))

describe("data", () => {
  const sources: readonly (readonly [string, Uint8Array])[] = [
    ["of text", deflateRawSync(TEXT)],
    ["that is stored", deflateRawSync(TEXT, { level: 0 })],
    ["with the fixed codes", deflateRawSync(TEXT, { strategy: constants.Z_FIXED })],
    ["with the longest codes", deflateRawSync(SKEWED, { strategy: constants.Z_HUFFMAN_ONLY })],
    [
      "with distances of 32 KiB",
      deflateRawSync(Buffer.concat([TEXT, Buffer.alloc(32_768 - TEXT.length), TEXT])),
    ],
    ["of zeros", deflateRawSync(Buffer.alloc(300_000))],
    [
      "in many blocks",
      Buffer.concat([
        ...Array.from({ length: 9 }, () => deflateRawSync(TEXT, { finishFlush: constants.Z_SYNC_FLUSH })),
        deflateRawSync(TEXT),
      ]),
    ],
    ["of nothing", deflateRawSync(Buffer.alloc(0))],
  ]

  it.each(sources)("%s comes out as from zlib, in pieces of any length", (_, data) => {
    const expected = inflateRawSync(data)
    for (const step of [1, 7, 600, 601, 4096, 1_000_000]) {
      const { bytes, hasEnded, usedBytes } = inflate(data, expected.length, step)
      expect(Buffer.compare(bytes, expected)).toBe(0)
      expect({ hasEnded, usedBytes }).toEqual({ hasEnded: true, usedBytes: data.length })
    }
  })

  it("comes out in chunks of bounded length", () => {
    const { longest, bytes } = inflate(deflateRawSync(Buffer.alloc(900_000)))
    expect(bytes.length).toBe(900_000)
    expect(longest).toBeLessThan(2 ** 17)
  })

  it("tells where it ends, whatever follows", () => {
    const data = deflateRawSync(TEXT)
    for (const tail of [1, 2, 599, 600, 601, 5000]) {
      const { bytes, usedBytes } = inflate(Buffer.concat([data, Buffer.alloc(tail, 0x55)]), undefined, 64)
      expect(bytes.equals(TEXT)).toBe(true)
      expect(usedBytes).toBe(data.length)
    }
  })

  it("is what zlib says that it is, for codes and symbols by chance", () => {
    let accepted = 0
    const lengths = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 0, maxLength: 8 })
    const body = fc.uint8Array({ maxLength: 20 })
    const property = fc.property(
      lengths,
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 }),
      body,
      (some, distances, rest) => {
        const literals = literalLengths({
          256: 1,
          ...Object.fromEntries(some.map((length, i) => [i * 30, length])),
        })
        const data = dynamic(literals, distances, ...[...rest].map((byte) => [byte, 8] as const))
        const expected = outcome(() => inflateRawSync(data))
        expect(outcome(() => inflate(data).bytes)).toEqual(expected)
        if (expected !== "refused") accepted++
      },
    )
    fc.assert(property, { numRuns: 1500, seed: 7 })
    expect(accepted).toBeGreaterThan(10)
  })
})

/** The bytes as hexadecimal digits, or "refused". */
function outcome(action: () => Buffer): string {
  try {
    return action().toString("hex")
  } catch {
    return "refused"
  }
}

describe("broken data is refused, as by zlib", () => {
  const end = { 256: 1 } as const
  it.each<readonly [string, Uint8Array, RegExp]>([
    ["a block of type 3", bits([1, 1], [3, 2]), /known type/],
    ["a stored length that is not confirmed", Uint8Array.of(1, 1, 0, 0xff, 0xff, 0x41), /not confirmed/],
    ["a stored block that is cut off", Uint8Array.of(1, 5, 0, 0xfa, 0xff, 1, 2), /does not end/],
    ["287 literals", dynamic(literalLengths(end, 287), [0]), /more symbols/],
    ["31 distances", dynamic(literalLengths(end), new Array<number>(31).fill(0)), /more symbols/],
    ["no end of block", dynamic(literalLengths({ 65: 1 }), [0]), /cannot end/],
    ["too many codes", dynamic(literalLengths({ 65: 1, 66: 1, 256: 1 }), [0]), /over-subscribed/],
    ["too few codes", dynamic(literalLengths({ 65: 2, 256: 2 }), [0]), /incomplete/],
    ["too few distance codes", dynamic(literalLengths(end), [2, 2]), /incomplete/],
    ["a code length code that is incomplete", bits([1, 1], [2, 2], [0, 14], [1, 3], [0, 9]), /incomplete/],
    [
      "a repeated length with none before",
      bits([1, 1], [2, 2], [0, 5], [0, 5], [0, 4], [1, 3], [1, 3], [0, 6], [0, 1], [0, 2]),
      /repeated/,
    ],
    ["the other code of a single one", dynamic(literalLengths(end), [0], [1, 1]), /stands for nothing/],
    [
      "a length without distances",
      dynamic(literalLengths({ 256: 1, 257: 1 }, 258), [0], [1, 1], [0, 15]),
      /stands for nothing/,
    ],
    [
      "the literal 286 of the fixed codes",
      bits([1, 1], [1, 2], [0b011_00011, 8], [0, 16]),
      /length of no known kind/,
    ],
    [
      "the distance 30 of the fixed codes",
      bits([1, 1], [1, 2], [0b0100_0000, 7], [0b01111, 5], [0, 16]),
      /distance/,
    ],
    ["a distance before the beginning", Uint8Array.of(3, 3, 0), /before the beginning/],
    ["a header that is cut off", Uint8Array.of(5), /does not end|incomplete/],
  ])("%s", (_, data, problem) => {
    expect(() => inflateRawSync(data)).toThrow()
    expect(() => inflate(data)).toThrow(problem)
  })

  it("more than it is allowed to make", () => {
    expect(() => inflate(deflateRawSync(Buffer.alloc(100_000)), 99_999)).toThrow("more than its 99999 bytes")
  })

  it("every prefix", () => {
    for (const data of [deflateRawSync(TEXT), deflateRawSync(SKEWED, { level: 0 })]) {
      for (let length = 1; length < Math.min(data.length, 800); length++) {
        expect(() => inflate(data.subarray(0, length))).toThrow()
      }
    }
  })
})
