/** The cursor: what it reads, where it stands, and that it never passes the end. */

import { describe, expect, it } from "vitest"
import { ByteCursor } from "../../src/bytes/byte-cursor.ts"
import { refusal } from "../archive/refusals.ts"

const BYTES = Uint8Array.of(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8, 0xff)

describe("ByteCursor", () => {
  it("reads little-endian and counts in file offsets", () => {
    const cursor = new ByteCursor(BYTES, 1000)
    expect(cursor.readBytes(1)).toEqual(Uint8Array.of(1))
    expect(cursor.readUint16LE()).toBe(0x0302)
    expect(cursor.readUint32LE()).toBe(0x07060504)
    expect([cursor.at, cursor.remaining]).toEqual([1007, 2])
    expect(cursor.readBytes(2)).toEqual(Uint8Array.of(0xf8, 0xff))
    expect(cursor.remaining).toBe(0)
  })

  it("reads 64-bit integers", () => {
    expect(new ByteCursor(BYTES, 0).readUint64LE()).toBe(0xf807060504030201n)
  })

  it("stays within the view it is given", () => {
    const cursor = new ByteCursor(BYTES.subarray(2, 4), 0)
    expect(cursor.readUint16LE()).toBe(0x0403)
    expect(cursor.remaining).toBe(0)
  })

  it("compares the next bytes and moves over them", () => {
    const bytes = new TextEncoder().encode("ab/é😀z")
    const cursor = new ByteCursor(bytes, 0)
    expect(cursor.skipText("ab", 2)).toBe(true)
    expect(cursor.skipText("", 0)).toBe(true)
    expect(cursor.skipText("+", 1)).toBe(false)
    expect(cursor.skipText("é😀", 6)).toBe(true)
    expect(cursor.at).toBe(9)
    expect(new ByteCursor(bytes, 0).skip(3).skipText("è😀", 6)).toBe(false)
    expect(new ByteCursor(bytes, 0).skip(3).skipText("é😀z", 6)).toBe(false)
    // Neither Latin-1 nor another length passes for the text.
    expect(new ByteCursor(Uint8Array.of(0xe9), 0).skipText("é", 1)).toBe(false)
    expect(new ByteCursor(Uint8Array.of(0xe9, 0x61), 0).skipText("éa", 2)).toBe(false)
  })

  it.each<readonly [string, number, (cursor: ByteCursor) => unknown]>([
    ["readUint16LE", 2, (c) => c.skip(8).readUint16LE()],
    ["readUint32LE", 4, (c) => c.skip(6).readUint32LE()],
    ["readUint64LE", 8, (c) => c.skip(2).readUint64LE()],
    ["readBytes", 10, (c) => c.readBytes(10)],
    ["skip", 10, (c) => c.skip(10)],
    ["skipText", 10, (c) => c.skipText("0123456789", 10)],
  ])("%s past the end is truncated, with offset, wanted and got", async (_, wanted, read) => {
    const cursor = new ByteCursor(BYTES, 500, "archive/data.pkl")
    const error = await refusal(Promise.resolve().then(() => read(cursor)))
    const got = wanted === 10 ? 9 : wanted === 8 ? 7 : wanted === 4 ? 3 : wanted - 1
    expect(error).toMatchObject({
      code: "truncated",
      detail: { within: "archive/data.pkl", at: 509 - got, wanted, got },
    })
  })
})
