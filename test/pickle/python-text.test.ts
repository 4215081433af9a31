import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodePythonText } from "../../src/pickle/python-text.ts"
import { hex } from "./assemble.ts"

/** As Python's `surrogatepass` encodes: lone surrogates as three bytes, everything else as UTF-8. */
function encode(text: string): Uint8Array {
  return Uint8Array.from(
    Array.from(text).flatMap((character) => {
      const code = character.codePointAt(0) ?? 0
      if (code < 0xd800 || code > 0xdfff) return [...new TextEncoder().encode(character)]
      return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
    }),
  )
}

describe("decodePythonText", () => {
  it.each<[bytes: string, text: string]>([
    ["", ""],
    ["61 c3 a9 f0 9f 98 80", "aé\u{1f600}"],
    ["ef bb bf 61", "\ufeffa"],
    ["ed a0 80", "\ud800"],
    ["61 ed bf bf 62", "a\udfffb"],
    ["ed b0 80 ed a0 80", "\udc00\ud800"],
    ["ed a0 80 ed a0 80", "\ud800\ud800"],
    ["ed 9f bf ee 80 80", "\ud7ff\ue000"],
    ["ed a0 80 ef bb bf", "\ud800\ufeff"],
  ])("%s", (bytes, text) => {
    expect(decodePythonText(hex(bytes))).toBe(text)
  })

  it.each([
    "80",
    "ff",
    "c0 80",
    "e2 82",
    "f5 80 80 80",
    "ed a0",
    "ed",
    "ed a0 80 80",
    "e2 ed a0 80",
    "ed a0 80 ed b0 80",
  ])("%s is not what Python writes", (bytes) => {
    expect(decodePythonText(hex(bytes))).toBeUndefined()
  })

  it("gives back every string that Python can hold", () => {
    const unit = fc.oneof(fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.integer({ min: 0, max: 0x10ffff }))
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (codes) => {
        // A high and a low half in a row are one character in JavaScript and two in Python: no such text is made.
        const apart = codes.map((code) => String.fromCodePoint(code)).join("\u2028")
        expect(decodePythonText(encode(apart))).toBe(apart)
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})
