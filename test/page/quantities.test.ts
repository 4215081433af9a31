import { expect, it } from "vitest"
import { sayBytes, sayRoughly, sayShare, sayValue } from "../../examples/web/src/model/quantities.ts"
import { visibleName, visibleText } from "../../examples/web/src/model/visible-text.ts"

it.each([
  [sayBytes(0), "0 B"],
  [sayBytes(999), "999 B"],
  [sayBytes(999_999), "1.00 MB"],
  [sayBytes(3_221_228_633), "3.22 GB"],
  [sayRoughly(999_999), "999,999"],
  [sayRoughly(7_241_732_096), "7.24 billion"],
  [sayShare(1, 3), "33.3 %"],
  [sayShare(1, 1_000_000), "< 0.01 %"],
  [sayShare(0, 0), "0.00 %"],
  [sayValue(-0), "0"],
  [sayValue(-1234567), "−1234567"],
  [sayValue(0.1 + 0.2), "0.3"],
  [sayValue(1.5e-9), "1.5000e−9"],
  [sayValue(3.3895313892515355e38), "3.3895e+38"],
])("%s is %s", (said, expected) => {
  expect(said).toBe(expected)
})

it("shows what would hide or turn around, and cuts what is long", () => {
  expect(visibleText("a\u202eb\u0000\n\u{e0041}")).toBe("a\\u202eb\\u0000\\u000a\\u{e0041}")
  expect(visibleText("a\\u202e  b\u3164\u00a0")).toBe("a\\u202e  b\\u3164\\u00a0")
  expect(visibleName("a\\u202e\u202eb\ufe0f")).toBe("a\\\\u202e\\u202eb\\ufe0f")
  expect(visibleName("e\u0301")).not.toBe(visibleName("\u00e9"))
  expect(visibleText("x".repeat(2001))).toBe(`${"x".repeat(2000)}… (2001 characters)`)
})
