import { describe, expect, it } from "vitest"
import { findInvalidUtf8 } from "../../src/safetensors/header-text.ts"
import { compareUtf8 } from "../../src/safetensors/name-order.ts"

describe("the first byte that is no text", () => {
  function isText(bytes: Uint8Array): boolean {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes)
      return true
    } catch {
      return false
    }
  }

  /** The longest beginning that is text, of bytes that are about `at`. */
  function slowly(bytes: Uint8Array, at: number): number {
    let length = Math.min(at + 8, bytes.length)
    while (!isText(bytes.subarray(0, length))) length--
    return length
  }

  const BLOCK = 16_384
  it.each(["a", "\u00e9", "\u20ac", "\u{10348}"])(
    "is found in a text of %s, about where blocks meet",
    (character) => {
      const text = Buffer.from(character.repeat(BLOCK))
      for (const at of [
        0,
        1,
        BLOCK - 4,
        BLOCK - 3,
        BLOCK - 2,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        text.length - 1,
      ]) {
        for (const wrong of [
          [0xff],
          [0xe2],
          [0xe2, 0x82],
          [0xf0, 0x90, 0x8d],
          [0x80, 0x80, 0x80, 0x80],
          [0xed, 0xa0],
        ]) {
          const bytes = Buffer.concat([text.subarray(0, at), Buffer.from(wrong), text.subarray(at)]).subarray(
            0,
            2 * BLOCK,
          )
          const valid = findInvalidUtf8(bytes)
          expect(valid).toBe(slowly(bytes, at))
        }
      }
    },
    120_000,
  )
})

describe("names that have much in common", () => {
  it("are ordered by their UTF-8 bytes", () => {
    for (const length of [0, 255, 256, 257, 511, 512, 600]) {
      const shared = "n".repeat(length)
      const ends = ["", "a", "b", "\uffff", "\u{10000}", "\ue000", "aa", "\u{10000}a"]
      for (const a of ends) {
        for (const b of ends) {
          const expected = Buffer.compare(Buffer.from(shared + a), Buffer.from(shared + b))
          expect(Math.sign(compareUtf8(shared + a, shared + b))).toBe(expected)
        }
      }
    }
  })
})
