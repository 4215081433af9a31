import { expect, it } from "vitest"
import { SHORT_TEXT_BYTES, ShortTextReader } from "../../src/bytes/byte-cursor.ts"

const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
const reader = new ShortTextReader(bytes)

it("reads ASCII of every length that counts as short", () => {
  for (let length = 0; length <= SHORT_TEXT_BYTES; length++) {
    for (const start of [0, 1, 60, 128 - length]) {
      const expected = Buffer.from(bytes.subarray(start, start + length)).toString("latin1")
      expect(reader.read(start, length)).toBe(expected)
    }
  }
})

it("leaves longer texts and all that is not ASCII to others", () => {
  expect(reader.read(0, SHORT_TEXT_BYTES + 1)).toBeUndefined()
  expect(reader.read(100, 29)).toBeUndefined()
  expect(reader.read(100, 28)).toHaveLength(28)
  expect(reader.read(255, 1)).toBeUndefined()
})

it("is not confused by what it read before", () => {
  expect(reader.read(65, 3)).toBe("ABC")
  expect(reader.read(126, 3)).toBeUndefined()
  expect(reader.read(97, 3)).toBe("abc")
})
