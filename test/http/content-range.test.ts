import { expect, it } from "vitest"
import { parseContentRange } from "../../src/http/range-request.ts"

it.each<[string, number, number, number]>([
  ["bytes 0-0/1", 0, 1, 1],
  ["bytes 10-19/100", 10, 10, 100],
  ["Bytes 0-9007199254740989/9007199254740990", 0, 9007199254740990, 9007199254740990],
])("takes %s", (text, offset, length, byteLength) => {
  expect(parseContentRange(text)).toEqual({ range: { offset, length }, byteLength })
})

it("takes a range that cannot be satisfied", () => {
  expect(parseContentRange("bytes */0")).toEqual({ range: undefined, byteLength: 0 })
  expect(parseContentRange("bytes */77")).toEqual({ range: undefined, byteLength: 77 })
})

it.each([
  null,
  "",
  "bytes",
  "bytes 0-9",
  "bytes 0-9/*",
  "bytes */*",
  "bytes 9-0/10",
  "bytes 0-10/10",
  "bytes -1-9/10",
  "bytes 0-9/10, bytes 0-9/10",
  "bytes 0x0-9/10",
  "bytes 0-9/10 ",
  "items 0-9/10",
  "bytes 0-9/9007199254740992",
  `bytes 0-9/${"9".repeat(19)}`,
  `bytes 0-9/${"9".repeat(400)}`,
])("takes no %s", (text) => {
  expect(parseContentRange(text)).toBeUndefined()
})
