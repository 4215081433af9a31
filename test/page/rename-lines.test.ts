import { expect, it } from "vitest"
import { parseGlobs, parseRenameLines, RenameLineError } from "../../examples/web/src/model/rename-lines.ts"

it("applies rules in order, to every place", () => {
  const rename = parseRenameLines("^module\\. ->\nlayers\\.(\\d+) → h.$1\n\nweight$ => w")
  expect(rename?.("module.layers.12.weight")).toBe("h.12.w")
  expect(parseRenameLines("a -> b")?.("banana")).toBe("bbnbnb")
})

it("is nothing where nothing is written", () => {
  expect(parseRenameLines("")).toBeUndefined()
  expect(parseRenameLines(" \n\n")).toBeUndefined()
})

it.each([
  ["no arrow", /^Line 1: write/],
  ["a -> b\n -> x", /^Line 2: there is nothing before/],
  ["(a -> b", /^Line 1: Invalid regular expression/],
])("says which line is no rule: %j", (text, message) => {
  expect(() => parseRenameLines(text)).toThrow(RenameLineError)
  expect(() => parseRenameLines(text)).toThrow(message)
})

it("separates globs by white space and commas", () => {
  expect(parseGlobs(" *.bias, a?c\nb ")).toEqual(["*.bias", "a?c", "b"])
  expect(parseGlobs(" \n")).toBeUndefined()
})
