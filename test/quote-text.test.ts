import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { plainText, quoteText } from "../src/quote-text.ts"

describe("plainText", () => {
  it.each(["", "layers.0.weight", "a b", "Grüße", "重み", "e\u0301", "\u{1f600}", "a\\b"])(
    "shows %j as it is",
    (text) => {
      expect(plainText(text)).toBe(text)
    },
  )

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
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u)
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
  })
})
