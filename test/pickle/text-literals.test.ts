import { describe, expect, it } from "vitest"
import { readName, readRawUnicode, readStringLiteral } from "../../src/pickle/text-literals.ts"
import { hex, latin1 } from "./assemble.ts"

const string = (line: string): string | undefined => readStringLiteral(latin1(line), 0, line.length)

function unicode(line: string): string {
  const bytes = latin1(line)
  return readRawUnicode(bytes, 0, bytes.length)
}

describe("STRING", () => {
  // By Python 3.11: ast.literal_eval of the same text.
  it.each([
    ["'os'", "os"],
    ['"os"', "os"],
    ["'o\\x73'", "os"],
    ["'\\157s'", "os"],
    ["'\\1573'", "o3"],
    ["'a\\\\n'", "a\\n"],
    ["'a\\nb'", "a\nb"],
    ["'\\''", "'"],
    ["'\\q'", "\\q"],
    ["''", ""],
    ["'os' ", "os"],
    ["'\\777'", "\xff"],
  ])("%j is %j", (line, expected) => {
    expect(string(line)).toBe(expected)
  })

  it.each(["os", "'os", "os'", "'os\"", "'", ""])("%j is none", (line) => {
    expect(string(line)).toBeUndefined()
  })
})

describe("UNICODE", () => {
  // By Python 3.11: the text in Latin-1, decoded as raw-unicode-escape.
  it.each([
    ["os", "os"],
    ["\\u006fs", "os"],
    ["\\U0000006fs", "os"],
    ["\\u00e9\xe9", "éé"],
    ["\\U0001f600", "😀"],
    ["a\\nb", "a\\nb"],
    ["\\uZZZZ", "\\uZZZZ"],
    ["\\U7fffffff", "\\U7fffffff"],
    // Two backslashes stand for themselves, and what follows is no escape.
    ["\\\\u0041", "\\\\u0041"],
    ["\\\\\\u0041", "\\\\A"],
  ])("%j is %j", (line, expected) => {
    expect(unicode(line)).toBe(expected)
  })
})

describe("a name", () => {
  const utf8 = (bytes: Uint8Array): string | undefined =>
    readName({ bytes, code: 0x58, start: 0, end: bytes.length })
  const literal = (line: string): string | undefined =>
    readName({ bytes: latin1(line), code: 0x53, start: 0, end: line.length })

  it("is cut where no name goes on, and only its beginning is read", () => {
    expect(utf8(latin1("n".repeat(256)))).toBe("n".repeat(256))
    expect(utf8(latin1("n".repeat(257)))).toBe(`${"n".repeat(256)}…`)
    expect(utf8(latin1("n".repeat(100_000)))).toBe(`${"n".repeat(256)}…`)
    expect(literal(`'${"\\x41".repeat(50_000)}'`)).toBe(`${"A".repeat(256)}…`)
  })

  it("is not cut within a character", () => {
    const wide = new TextEncoder().encode("ä€😀".repeat(200))
    expect(utf8(wide)?.startsWith("ä€😀ä€😀")).toBe(true)
    expect(utf8(wide)).not.toContain("\ufffd")
  })

  it("is none where the bytes are no UTF-8", () => {
    expect(utf8(hex("6f ff"))).toBeUndefined()
  })
})
