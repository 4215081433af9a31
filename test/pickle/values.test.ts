import { describe, expect, it } from "vitest"
import {
  describeValue,
  PickleDict,
  PickleFloat,
  PickleList,
  PickleSet,
  PickleTuple,
  type PickleValue,
  RefusedReference,
} from "../../src/pickle/values.ts"

function dictOf(...entries: readonly (readonly [PickleValue, PickleValue])[]): PickleDict {
  const dict = new PickleDict()
  for (const [key, value] of entries) dict.set(key, value)
  return dict
}

const float = (value: number): PickleFloat => new PickleFloat(value)

describe("PickleDict", () => {
  it("is empty to begin with, again and again", () => {
    const dict = new PickleDict()
    expect([dict.size, dict.get("a"), [...dict.entries()]]).toEqual([0, undefined, []])
    dictOf(["a", 1])
    expect([new PickleDict().size, [...new PickleDict().entries()]]).toEqual([0, []])
  })

  it("keeps the order and the first key, and takes the last value", () => {
    const dict = dictOf(["b", 1], ["a", 2], ["b", 3])
    expect([...dict.entries()]).toEqual([
      { key: "b", value: 3 },
      { key: "a", value: 2 },
    ])
  })

  it("takes 1, 1.0 and True for one key, and 0, 0.0, -0.0 and False", () => {
    expect(dictOf([1, "a"], [float(1), "b"], [true, "c"]).size).toBe(1)
    expect(dictOf([false, "a"], [0, "b"], [float(0), "c"], [float(-0), "d"]).size).toBe(1)
  })

  it.each<[string, PickleValue, PickleValue]>([
    ["1 and text 1", 1, "1"],
    ["None and False", null, false],
    ["None and empty text", null, ""],
    ["wide integers", 2n ** 64n, 2n ** 64n + 1n],
    ["a float between", 1, float(1.5)],
    ["two NaNs", float(Number.NaN), float(Number.NaN)],
    ["text in two normal forms", "é", "e\u0301"],
  ])("tells apart: %s", (_, a, b) => {
    expect(dictOf([a, 1], [b, 2]).size).toBe(2)
  })

  it("compares wide integers and whole floats by value", () => {
    expect(dictOf([2n ** 64n, 1], [2n ** 64n, 2]).size).toBe(1)
    expect(dictOf([2n ** 64n, 1], [float(2 ** 64), 2]).size).toBe(1)
    expect(dictOf([2n ** 53n, 1], [float(2 ** 53), 2]).size).toBe(1)
    expect(dictOf([float(Infinity), 1], [float(Infinity), 2]).size).toBe(1)
  })

  it("compares NaN, containers and bytes by identity", () => {
    for (const make of [
      () => float(Number.NaN),
      () => new PickleTuple([1]),
      () => new PickleList(),
      () => Uint8Array.of(1),
    ]) {
      const key = make()
      expect(dictOf([key, 1], [key, 2], [make(), 3]).size).toBe(2)
    }
  })

  it("holds inherited names like any other", () => {
    const names = ["__proto__", "constructor", "toString", "then", "10", "2"]
    const dict = dictOf(...names.map((name) => [name, name] as const))
    expect([...dict.entries()].map(({ key }) => key)).toEqual(names)
    expect(dict.get("__proto__")).toBe("__proto__")
    expect(new PickleDict().get("constructor")).toBeUndefined()
  })
})

describe("describeValue", () => {
  it.each<[string, PickleValue]>([
    ["None", null],
    ["a bool", true],
    ["an int", 1],
    ["an int", 2n ** 64n],
    ["a string", ""],
    ["bytes", Uint8Array.of()],
    ["a float", float(1)],
    ["a tuple", new PickleTuple([])],
    ["a list", new PickleList()],
    ["a dict", new PickleDict()],
    ["a set", new PickleSet(true)],
    ["a refused-reference", new RefusedReference("os", "system", 0)],
    ["a tensor", { kind: "object:tensor" }],
  ])("%s", (text, value) => {
    expect(describeValue(value)).toBe(text)
  })
})
