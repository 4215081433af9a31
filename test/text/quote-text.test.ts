import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { plainText, quoteText, safeMessage } from "../../src/text/quote-text.ts"

describe("plainText", () => {
  it.each([
    "",
    "layers.0.weight",
    "a  b",
    "Grüße",
    "重み",
    "\u{1f600}",
    "std::vector",
    "http://[::1]/x",
    "C: #1",
    'a"b',
  ])("shows %j as it is", (text) => {
    expect(plainText(text)).toBe(text)
  })

  it.each<[what: string, text: string, shown: string]>([
    ["NUL", "a\0b", "a\\u0000b"],
    ["a line feed", "a\nb", "a\\u000ab"],
    ["a carriage return", "\rb", "\\u000db"],
    ["a tab", "\t", "\\u0009"],
    ["ESC", "\x1b[2J", "\\u001b[2J"],
    ["DEL and C1", "\x7f\x9b", "\\u007f\\u009b"],
    ["a soft hyphen", "\u00ad", "\\u00ad"],
    ["the right-to-left override", "\u202egnp.exe", "\\u202egnp.exe"],
    ["bidi isolates", "\u2066x\u2069", "\\u2066x\\u2069"],
    ["zero width", "\u200b\u200d\ufeff", "\\u200b\\u200d\\ufeff"],
    ["line separators", "\u2028\u2029", "\\u2028\\u2029"],
    ["a lone surrogate", "\ud800x", "\\ud800x"],
    ["private use", "\ue000", "\\ue000"],
    ["a tag character", "\u{e0041}", "\\u{e0041}"],
    ["not assigned", "\u0378", "\\u0378"],
    ["a backslash", "\\u202e", "\\\\u202e"],
    ["variation selectors", "w\ufe0f\u{e0100}", "w\\ufe0f\\u{e0100}"],
    ["fillers", "\u3164\uffa0\u115f", "\\u3164\\uffa0\\u115f"],
    ["joiners that nobody sees", "a\u034f\u2060b", "a\\u034f\\u2060b"],
    ["blanks of other kinds", "\u00a0\u2003\u3000\u2800", "\\u00a0\\u2003\\u3000\\u2800"],
    ["blanks at the ends", " w ", "\\u0020w\\u0020"],
    ["a quotation mark that begins", '""', '\\u0022"'],
    ["a mark that combines with what stands before", "\u0301w", "\\u0301w"],
    ["one of two ways to write a character", "e\u0301", "e\\u0301"],
    ["a pile of marks", `x${"\u0334".repeat(4)}`, `x${"\\u0334".repeat(4)}`],
    ["a command of GitHub", "::error::x", "\\u003a:error::x"],
    ["one after blanks", "x ::error::x", "x \\u003a:error::x"],
    ["half of one", ":", "\\u003a"],
    ["commands of Azure", "##[x ##vso[y", "\\u0023\\u0023[x \\u0023\\u0023vso[y"],
    ["the beginning of one", "x##vso", "x\\u0023\\u0023vso"],
  ])("escapes %s", (_, text, shown) => {
    expect(plainText(text)).toBe(shown)
  })

  it("cuts what is longer than 80 units and says how long it is", () => {
    expect(plainText("x".repeat(80))).toBe("x".repeat(80))
    expect(plainText("x".repeat(81))).toBe(`${"x".repeat(80)}… (81 characters)`)
    expect(plainText("x".repeat(10_000_000))).toBe(`${"x".repeat(80)}… (10000000 characters)`)
    expect(plainText("abcdef", 3)).toBe("abc… (6 characters)")
  })

  it("escapes the half of a character that a cut leaves", () => {
    expect(plainText(`ab\u{1f600}`, 3)).toBe("ab\\ud83d… (4 characters)")
  })

  it("gives nothing unsafe and nothing long, whatever it is given", () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 200 }), (units) => {
        const shown = plainText(units.join(""))
        expect(shown).not.toMatch(/(?! )[\p{C}\p{Z}\p{DI}]/u)
        expect(shown.length).toBeLessThanOrEqual(80 * 6 + 30)
      }),
      { seed: 11, numRuns: 500 },
    )
  })
})

describe("quoteText", () => {
  it("adds quotes", () => {
    expect(quoteText("a\nb")).toBe('"a\\u000ab"')
    expect(quoteText("")).toBe('""')
    expect(quoteText('a" "b ')).toBe('"a\\" \\"b "')
    expect(quoteText(" ::x")).toBe('" \\u003a:x"')
  })
})

describe("safeMessage", () => {
  it("leaves what is safe alone, line breaks and escapes included", () => {
    const message = `a message: ${quoteText("\\x\n\u202e ::y")}\n  a row::x [rule]\n  (:: no command)`
    expect(safeMessage(message)).toBe(message)
    expect(safeMessage(safeMessage("\u009b\n ::x ##[y"))).toBe(safeMessage("\u009b\n ::x ##[y"))
  })

  it("breaks what would be obeyed", () => {
    expect(safeMessage("\u009b2J\n  ::error::x\n::y ::z")).toBe(
      "\\u009b2J\n  \\u003a:error::x\n\\u003a:y ::z",
    )
    expect(safeMessage("x ##vso[y")).toBe("x \\u0023\\u0023vso[y")
  })
})
