import { describe, expect, it } from "vitest"
import { readRawUnicode, readStringLiteral } from "../../src/pickle/text-literals.ts"

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
  ])("%j is %j", (line, expected) => {
    expect(readStringLiteral(line)).toBe(expected)
  })

  it.each(["os", "'os", "os'", "'os\"", "'", ""])("%j is none", (line) => {
    expect(readStringLiteral(line)).toBeUndefined()
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
  ])("%j is %j", (line, expected) => {
    expect(readRawUnicode(line)).toBe(expected)
  })
})
