/** CRC-32 against its known vectors, the platform's own, and its joining property. */

import { crc32 as nodeCrc32 } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { combineCrc32, crc32 } from "../../src/bytes/crc32.ts"

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe("crc32", () => {
  it.each<readonly [string, Uint8Array, number]>([
    ["nothing", text(""), 0],
    ["a", text("a"), 0xe8b7be43],
    ["the check value of the catalogue", text("123456789"), 0xcbf43926],
    ["a sentence", text("The quick brown fox jumps over the lazy dog"), 0x414fa339],
    ["32 zeros", new Uint8Array(32), 0x190a55ad],
    ["32 bytes of 0xff", new Uint8Array(32).fill(0xff), 0xff6cab0b],
  ])("of %s", (_, bytes, expected) => {
    expect(crc32(bytes, 0)).toBe(expected)
  })

  it("agrees with zlib at any length, alignment and start", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(16), fc.nat(0xffffffff), (bytes, skip, start) => {
        const part = bytes.subarray(Math.min(skip, bytes.length))
        // Node 20 forgets the start when there is nothing to add.
        expect(crc32(part, start)).toBe(part.length === 0 ? start : nodeCrc32(part, start))
      }),
    )
  })

  it("continues where it stopped", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(crc32(b, crc32(a, 0))).toBe(nodeCrc32(Buffer.concat([a, b])))
      }),
    )
  })
})

describe("combineCrc32", () => {
  it("gives the checksum of two parts joined", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array({ maxLength: 500 }), (a, b) => {
        const whole = nodeCrc32(Buffer.concat([a, b]))
        expect(combineCrc32(nodeCrc32(a), nodeCrc32(b), b.length)).toBe(whole)
      }),
    )
  })

  it("is associative at lengths beyond 4 GiB", () => {
    const length = fc.integer({ min: 0, max: 2 ** 50 })
    const value = fc.nat(0xffffffff)
    fc.assert(
      fc.property(value, value, value, length, length, (a, b, c, lengthB, lengthC) => {
        const left = combineCrc32(combineCrc32(a, b, lengthB), c, lengthC)
        const right = combineCrc32(a, combineCrc32(b, c, lengthC), lengthB + lengthC)
        expect(left).toBe(right)
      }),
    )
  })
})
