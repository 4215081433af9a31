import { describe, expect, it } from "vitest"
import { smallDecimal } from "../../src/torch/storage-table.ts"

describe("smallDecimal", () => {
  it.each([
    ["0", 0],
    ["7", 7],
    ["10", 10],
    ["1234567", 1_234_567],
  ])("reads %s", (text, number) => {
    expect(smallDecimal(text)).toBe(number)
  })

  it("reads the end of a longer text", () => {
    expect(smallDecimal("tiny/data/42", 10)).toBe(42)
  })

  it.each(["", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "a", "0x1", "٣", "12345678"])(
    "takes %j for no small number: its text is another key, or too long",
    (text) => {
      expect(smallDecimal(text)).toBe(-1)
    },
  )
})
