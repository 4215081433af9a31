import { describe, expect, it } from "vitest"
import type { Limits } from "../../src/limits/limits.ts"
import { PickleDict, PickleSet, type PickleValue } from "../../src/pickle/values.ts"
import type { PlainDataName } from "../../src/torch/allowed-globals.ts"
import { makePlainData } from "../../src/torch/plain-data.ts"
import { hex } from "../pickle/assemble.ts"
import { plain, refusal } from "../pickle/run.ts"
import { callSite, float, known, list, tuple } from "./support.ts"

function make(name: PlainDataName, ...args: readonly PickleValue[]): PickleValue {
  return makePlainData(name, tuple(...args), callSite())
}

function dict(...entries: readonly (readonly [PickleValue, PickleValue])[]): PickleDict {
  const made = new PickleDict()
  for (const [key, value] of entries) made.set(key, value)
  return made
}

describe("what makers make", () => {
  it.each<[PlainDataName, readonly PickleValue[], unknown]>([
    ["OrderedDict", [], new Map()],
    ["OrderedDict", [list()], new Map()],
    [
      "OrderedDict",
      [list(list("a", 1), tuple("b", 2), list("a", 3))],
      new Map([
        ["a", 3],
        ["b", 2],
      ]),
    ],
    ["Counter", [], new Map()],
    ["Counter", [dict(["a", 2])], new Map([["a", 2]])],
    ["defaultdict", [], new Map()],
    ["defaultdict", [null], new Map()],
    ["defaultdict", [known("builtins", "list")], new Map()],
    ["defaultdict", [known("collections", "OrderedDict")], new Map()],
    ["set", [], { set: [] }],
    ["set", [list(1, 2)], { set: [1, 2] }],
    ["set", [tuple(1)], { set: [1] }],
    ["frozenset", [list("a")], { frozenset: ["a"] }],
    ["bytes", [], hex("")],
    ["bytes", [hex("00 ff")], hex("00 ff")],
    ["bytes", ["\0\xff", "latin1"], hex("00 ff")],
    ["bytearray", [], hex("")],
    ["bytearray", [hex("00 ff")], hex("00 ff")],
    ["bytearray", ["\0\xff", "latin-1"], hex("00 ff")],
    ["encode", ["", "latin1"], hex("")],
    ["encode", ["a\xff", "latin1"], hex("61 ff")],
    ["complex", [float(1), float(-2)], { kind: "object:complex", real: 1, imaginary: -2 }],
    ["size", [tuple(2, 3)], { tuple: [2, 3] }],
    ["size", [list(2)], { tuple: [2] }],
    ["size", [tuple()], { tuple: [] }],
    ["device", ["cpu"], { kind: "object:device", text: "cpu" }],
    ["device", ["cuda", 1], { kind: "object:device", text: "cuda:1" }],
    ["layout", ["torch.sparse_coo"], { kind: "object:layout", text: "torch.sparse_coo" }],
  ])("%s of %j", (name, args, expected) => {
    expect(plain(make(name, ...args))).toEqual(expected)
  })

  it("are told apart by type", () => {
    const typeOf = (value: PickleValue) => (value instanceof PickleDict ? value.type : undefined)
    expect(typeOf(make("OrderedDict"))).toBe("OrderedDict")
    expect(typeOf(make("Counter"))).toBe("Counter")
    expect(typeOf(make("defaultdict"))).toBe("defaultdict")
  })

  it("are not changed by what becomes of the arguments", () => {
    const members = list(1)
    const counts = dict(["a", 1])
    const set = make("set", members)
    const size = make("size", members)
    const counter = make("Counter", counts)
    members.items.push(2)
    counts.set("b", 2)
    expect([set, size, counter].map(plain)).toEqual([{ set: [1] }, { tuple: [1] }, new Map([["a", 1]])])
    expect(set).toBeInstanceOf(PickleSet)
  })
})

describe("what makers refuse", () => {
  it.each<[name: PlainDataName, what: string, args: readonly PickleValue[]]>([
    ["OrderedDict", "a dict", [dict()]],
    ["OrderedDict", "a tuple of triples", [tuple(tuple("a", 1, 2))]],
    ["OrderedDict", "pairs of three", [list(tuple("a", 1, 2))]],
    ["OrderedDict", "text for a pair", [list("ab")]],
    ["OrderedDict", "two arguments", [list(), list()]],
    ["OrderedDict", "None", [null]],
    ["Counter", "a list", [list("a")]],
    ["Counter", "text", ["aab"]],
    ["Counter", "two arguments", [dict(), dict()]],
    ["defaultdict", "a call's result for a factory", [dict()]],
    ["defaultdict", "a storage class for a factory", [known("torch", "FloatStorage")]],
    ["defaultdict", "a rebuild function for a factory", [known("torch._utils", "_rebuild_tensor_v2")]],
    ["defaultdict", "text for a factory", ["list"]],
    ["defaultdict", "entries", [null, dict()]],
    ["set", "text", ["ab"]],
    ["set", "a number", [3]],
    ["set", "a dict", [dict()]],
    ["set", "two arguments", [list(), list()]],
    ["frozenset", "a set", [new PickleSet(false, [1])]],
    ["bytes", "a number", [2 ** 40]],
    ["bytes", "a list of numbers", [list(1, 2)]],
    ["bytes", "text alone", ["ab"]],
    ["bytearray", "a number", [2 ** 40]],
    ["bytearray", "one", [1]],
    ["bytearray", "a wide number", [2n ** 64n]],
    ["bytearray", "a bool", [true]],
    ["bytearray", "text in UTF-8", ["ab", "utf-8"]],
    ["bytearray", "text in rot13", ["ab", "rot13"]],
    ["bytearray", "three arguments", ["ab", "latin1", "strict"]],
    ["bytearray", "characters above U+00FF", ["\u0100", "latin1"]],
    ["encode", "UTF-8", ["a", "utf-8"]],
    ["encode", "rot13", ["a", "rot13"]],
    ["encode", "zip", ["a", "zip"]],
    ["encode", "Latin-1 in capitals", ["a", "Latin1"]],
    ["encode", "no codec", ["a"]],
    ["encode", "None for a codec", ["a", null]],
    ["encode", "bytes", [hex("61"), "latin1"]],
    ["encode", "an error handler", ["a", "latin1", "ignore"]],
    ["encode", "characters above U+00FF", ["\u0100", "latin1"]],
    ["encode", "a lone surrogate", ["\ud800", "latin1"]],
    ["complex", "integers", [1, 2]],
    ["complex", "text", ["1+2j"]],
    ["complex", "one float", [float(1)]],
    ["complex", "three floats", [float(1), float(2), float(3)]],
    ["size", "nothing", []],
    ["size", "a number", [3]],
    ["size", "two tuples", [tuple(), tuple()]],
    ["size", "a dict", [dict()]],
    ["device", "nothing", []],
    ["device", "a number", [0]],
    ["device", "text for a number", ["cuda", "1"]],
    ["device", "three arguments", ["cuda", 1, 2]],
    ["layout", "nothing", []],
    ["layout", "a number", [1]],
    ["layout", "two arguments", ["a", "b"]],
  ])("%s of %s", (name, _, args) => {
    expect(refusal(() => make(name, ...args)).code).toBe("pickle-type")
  })
})

describe("copies", () => {
  /** Calls made until the limit stops them. */
  function callsWithin(
    limits: Partial<Limits>,
    name: PlainDataName,
    ...args: readonly PickleValue[]
  ): number {
    const site = callSite(limits)
    for (let calls = 0; calls < 100; calls++) {
      try {
        makePlainData(name, tuple(...args), site)
      } catch (cause) {
        const { code } = refusal(() => {
          throw cause
        })
        expect(code).toBe("limit-exceeded")
        return calls
      }
    }
    return 100
  }

  it.each<[PlainDataName, PickleValue]>([
    ["set", list(1, 2, 3)],
    ["frozenset", tuple(1, 2, 3)],
    ["size", list(1, 2, 3)],
    ["Counter", dict(["a", 1], ["b", 2], ["c", 3])],
    ["OrderedDict", list(list("a", 1), list("b", 2), list("c", 3))],
  ])("of what a %s is given stay within maxNodes, all together", (name, given) => {
    expect(callsWithin({ maxNodes: 10 }, name, given)).toBe(3)
  })

  it("of encoded text stay within maxPickleBytes, all together", () => {
    expect(callsWithin({ maxPickleBytes: 10 }, "encode", "abc", "latin1")).toBe(3)
    expect(callsWithin({ maxPickleBytes: 10 }, "bytearray", "abc", "latin1")).toBe(3)
  })

  it("are not made where the value can be shared", () => {
    const bytes = hex("00")
    const sizes = tuple(1, 2, 3)
    expect(callsWithin({ maxNodes: 0, maxPickleBytes: 0 }, "bytes", bytes)).toBe(100)
    expect(callsWithin({ maxNodes: 0, maxPickleBytes: 0 }, "size", sizes)).toBe(100)
    expect(make("size", sizes)).toBe(sizes)
  })
})
