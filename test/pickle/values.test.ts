import { describe, expect, it } from "vitest"
import { prepareKey } from "../../src/pickle/tuple-keys.ts"
import {
  type ComplexNumber,
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

  const complex = (real: number, imaginary: number): PickleValue =>
    ({ kind: "object:complex", real, imaginary }) as ComplexNumber
  const tuple = (...items: readonly PickleValue[]): PickleTuple => {
    const made = new PickleTuple(items)
    prepareKey(made, undefined)
    return made
  }

  it.each<[string, PickleValue, PickleValue]>([
    ["1 and 1+0j", 1, complex(1, 0)],
    ["True and 1-0j", true, complex(1, -0)],
    ["0 and -0-0j", 0, complex(-0, -0)],
    ["wide integers and complex numbers", 2n ** 60n, complex(2 ** 60, 0)],
    ["complex numbers", complex(0.5, -2), complex(0.5, -2)],
    ["bytes", Uint8Array.of(0, 255), Uint8Array.of(0, 255)],
    ["empty tuples", tuple(), tuple()],
    ["tuples of equal items", tuple(1, 2), tuple(true, float(2))],
    ["tuples within tuples", tuple("a", tuple(complex(1, 0))), tuple("a", tuple(1))],
    ["tuples of bytes and None", tuple(Uint8Array.of(1), null), tuple(Uint8Array.of(1), null)],
  ])("takes for one, with the first key and the last value: %s", (_, a, b) => {
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      const dict = dictOf(["other", 0], [first, 1], [second, 2])
      expect([...dict.entries()]).toEqual([
        { key: "other", value: 0 },
        { key: first, value: 2 },
      ])
      // And where there are many.
      const many = dictOf(
        ...Array.from({ length: 9 }, (_, i) => [`k${i}`, i] as const),
        [first, 1],
        [second, 2],
      )
      expect(many.size).toBe(10)
      expect(many.get(first)).toBe(2)
    }
    const set = new PickleSet(false)
    set.append([a])
    set.append([b, "other"])
    expect(set.items).toEqual([a, "other"])
  })

  it.each<[string, PickleValue, PickleValue]>([
    ["bytes and text", Uint8Array.of(0x61), "a"],
    ["what stands for bytes and such a text", Uint8Array.of(0x61), "\0ba"],
    ["what stands for a tuple and such a text", tuple(1), "\0t(1,)"],
    ["a tuple and its item", tuple(1), 1],
    ["a tuple of two and of a tuple", tuple(1, 2), tuple(tuple(1, 2))],
    ["tuples of text and number", tuple(1), tuple("1")],
    ["tuples whose texts could be cut otherwise", tuple("a", "b"), tuple("a,1:b")],
    ["tuples of None and of text", tuple(null), tuple("null")],
    ["1 and 1+1j", 1, complex(1, 1)],
    ["NaN in a complex number", complex(Number.NaN, 0), complex(Number.NaN, 0)],
    ["tuples of two NaNs", tuple(float(Number.NaN)), tuple(float(Number.NaN))],
    ["tuples that hold a list", tuple(new PickleList()), tuple(new PickleList())],
  ])("tells apart: %s", (_, a, b) => {
    expect(dictOf([a, 1], [b, 2]).size).toBe(2)
    expect(dictOf([a, 1], [a, 2]).size).toBe(1)
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

  it("compares NaN and what is no plain value by identity", () => {
    for (const make of [() => float(Number.NaN), () => new PickleSet(true), () => new Uint8Array(300)]) {
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
