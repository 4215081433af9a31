import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { runPickleSteps } from "../../src/pickle/machine.ts"
import { PickleDict, PickleList, PickleTuple } from "../../src/pickle/values.ts"
import { assemble, hex, join, type Part, pickle2, pickle5, repeat } from "./assemble.ts"
import { load, plain, refusal, refusedWith, TestPolicy } from "./run.ts"

describe("PROTO", () => {
  it.each([2, 3, 4, 5])("%d is accepted", (protocol) => {
    expect(load(assemble(["PROTO", protocol], "NONE", "STOP"))).toBeNull()
  })

  it.each([0, 1, 6, 7, 255])("%d is refused", (protocol) => {
    expect(refusedWith(assemble(["PROTO", protocol], "NONE", "STOP"))).toBe("pickle-protocol")
  })

  it.each<[what: string, bytes: Uint8Array]>([
    ["missing", assemble("NONE", "STOP")],
    ["missing, STOP alone", assemble("STOP")],
    ["missing, as protocol 1 writes", assemble("EMPTY_DICT", ["BINPUT", 0], "STOP")],
    ["missing before a global", assemble(["GLOBAL", "known", "Class"], "STOP")],
    ["not first", assemble("NONE", ["PROTO", 2], "STOP")],
    ["twice", assemble(["PROTO", 2], ["PROTO", 2], "NONE", "STOP")],
    ["twice, later", assemble(["PROTO", 2], "NONE", ["PROTO", 5], "STOP")],
  ])("%s", (_, bytes) => {
    expect(refusedWith(bytes)).toBe("pickle-protocol")
  })

  it.each<[needs: number, ...parts: Part[]]>([
    [3, ["SHORT_BINBYTES", "a"]],
    [3, ["BINBYTES", "a"]],
    [4, ["BINBYTES8", "a"]],
    [4, ["SHORT_BINUNICODE", "a"]],
    [4, ["BINUNICODE8", "a"]],
    [4, "EMPTY_SET"],
    [4, "MARK", "FROZENSET"],
    [4, "NONE", "MEMOIZE"],
    [4, ["BINUNICODE", "known"], ["BINUNICODE", "Class"], "STACK_GLOBAL"],
    [4, ["FRAME", 2], "NONE"],
    [5, ["BYTEARRAY8", "a"]],
  ])("opcodes of protocol %d need that protocol: %j", (needs, ...parts) => {
    for (const protocol of [2, 3, 4, 5]) {
      const run = () => load(assemble(["PROTO", protocol], ...parts, "STOP"))
      if (protocol < needs) expect(refusal(run).code).toBe("pickle-opcode")
      else expect(run).not.toThrow()
    }
  })
})

describe("FRAME", () => {
  it("is accepted where the bytes are there, also in the middle", () => {
    expect(load(pickle5(["FRAME", 0], "NONE", ["FRAME", 1]))).toBeNull()
  })

  it.each([4n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])("of %d bytes is too long", (length) => {
    expect(refusedWith(pickle5(["FRAME", length], "NONE", "EMPTY_TUPLE"))).toBe("pickle-truncated")
  })
})

describe("the stack", () => {
  const needy = [
    ["APPEND", 2],
    ["TUPLE1", 1],
    ["TUPLE2", 2],
    ["TUPLE3", 3],
    ["SETITEM", 3],
    ["MEMOIZE", 1],
    ["STACK_GLOBAL", 2],
    ["REDUCE", 2],
    ["BUILD", 2],
    ["NEWOBJ", 2],
    ["NEWOBJ_EX", 3],
    ["BINPERSID", 1],
  ] as const

  it.each(needy)("%s needs %d values", (opcode, count) => {
    for (let there = 0; there < count; there++) {
      expect(refusedWith(pickle5(repeat(there, "NONE"), opcode))).toBe("pickle-stack")
      // Values below a mark are out of reach.
      expect(refusedWith(pickle5(repeat(count, "NONE"), "MARK", repeat(there, "NONE"), opcode))).toBe(
        "pickle-stack",
      )
    }
  })

  it.each<[string, ...Part[]]>([
    ["BINPUT", ["BINPUT", 0]],
    ["LONG_BINPUT", ["LONG_BINPUT", 0]],
    ["BINPUT right after a mark", "NONE", "MARK", ["BINPUT", 0]],
  ])("%s needs a value", (_, ...parts) => {
    expect(refusedWith(pickle2(...parts))).toBe("pickle-stack")
  })

  it.each(["APPENDS", "TUPLE", "SETITEMS", "ADDITEMS", "FROZENSET"])("%s needs a mark", (opcode) => {
    expect(refusedWith(pickle5("EMPTY_LIST", "NONE", opcode))).toBe("pickle-stack")
  })

  it.each(["APPENDS", "SETITEMS", "ADDITEMS"])("%s needs a target below its mark", (opcode) => {
    expect(refusedWith(pickle5("MARK", opcode))).toBe("pickle-stack")
    expect(refusedWith(pickle5("NONE", "MARK", "MARK", opcode))).toBe("pickle-stack")
  })

  it.each<[what: string, ...parts: Part[]]>([
    ["nothing"],
    ["two values", "NONE", "NONE"],
    ["an open mark below", "MARK", "NONE"],
    ["an open mark above", "NONE", "MARK"],
    ["only a mark", "MARK"],
  ])("STOP with %s is refused", (_, ...parts) => {
    expect(refusedWith(pickle2(...parts))).toBe("pickle-stack")
  })

  it("nests marks", () => {
    expect(plain(load(pickle2("MARK", "MARK", "NONE", "TUPLE", "NONE", "TUPLE")))).toEqual({
      tuple: [{ tuple: [null] }, null],
    })
  })
})

describe("the memo", () => {
  it.each<[string, ...Part[]]>([
    ["nothing was stored", ["BINGET", 0]],
    ["another entry was stored", "NONE", ["BINPUT", 1], ["BINGET", 0]],
    ["LONG_BINGET", ["LONG_BINGET", 2 ** 32 - 1]],
  ])("an entry that does not exist is refused: %s", (_, ...parts) => {
    expect(refusedWith(pickle2(...parts))).toBe("pickle-memo")
  })

  it("takes every index up to 2^32 - 1", () => {
    for (const index of [0, 255, 256, 2 ** 31, 2 ** 32 - 1]) {
      const bytes = pickle2(["BININT1", 7], ["LONG_BINPUT", index], ["LONG_BINGET", index], "TUPLE2")
      expect(plain(load(bytes))).toEqual({ tuple: [7, 7] })
    }
  })

  it("takes the last value of an entry", () => {
    const bytes = pickle2(
      ["BININT1", 1],
      ["BINPUT", 0],
      ["BININT1", 2],
      ["BINPUT", 0],
      ["BINGET", 0],
      "TUPLE3",
    )
    expect(plain(load(bytes))).toEqual({ tuple: [1, 2, 2] })
  })

  it("keeps None and False", () => {
    const bytes = pickle2(
      "NONE",
      ["BINPUT", 0],
      "NEWFALSE",
      ["BINPUT", 1],
      "TUPLE2",
      ["BINGET", 0],
      ["BINGET", 1],
      "TUPLE3",
    )
    expect(plain(load(bytes))).toEqual({ tuple: [{ tuple: [null, false] }, null, false] })
  })

  it("numbers MEMOIZE by the entries there are", () => {
    // Entry 5 is the first, so MEMOIZE makes entry 1.
    const bytes = pickle5(["BININT1", 1], ["BINPUT", 5], ["BININT1", 2], "MEMOIZE", ["BINGET", 1], "TUPLE3")
    expect(plain(load(bytes))).toEqual({ tuple: [1, 2, 2] })
  })

  it("holds maxMemoEntries and no more", () => {
    const entries = (count: number) => pickle5("NONE", repeat(count, "MEMOIZE"))
    expect(load(entries(10), { maxMemoEntries: 10 })).toBeNull()
    expect(refusedWith(entries(11), { maxMemoEntries: 10 })).toBe("limit-exceeded")
  })
})

describe("limits and the end", () => {
  it("reads maxOpcodes opcodes and no more", () => {
    const bytes = pickle2("MARK", repeat(7, "NONE"), "TUPLE") // 11 with PROTO and STOP
    expect(load(bytes, { maxOpcodes: 11 })).toBeInstanceOf(PickleTuple)
    const { code, detail } = refusal(() => load(bytes, { maxOpcodes: 10 }))
    expect(code).toBe("limit-exceeded")
    expect(detail).toEqual({ limit: "maxOpcodes", allowed: 10, wanted: 11, within: "p" })
  })

  it("counts the opcodes of all pickles that share a budget", () => {
    const budget = { opcodes: 0 }
    const limits = { ...DEFAULT_LIMITS, maxOpcodes: 8 }
    const run = () =>
      atOnce(runPickleSteps(pickle2("NONE"), { within: "p", policy: new TestPolicy(), limits, budget }))
    run()
    run()
    expect(budget.opcodes).toBe(6)
    expect(refusal(run).code).toBe("limit-exceeded")
  })

  it("says where the pickle ends and reads nothing behind it", () => {
    const bytes = join([pickle2("NONE"), hex("ff ff"), pickle5(["BININT1", 1])])
    const run = (start: number) =>
      atOnce(
        runPickleSteps(bytes, {
          within: "p",
          policy: new TestPolicy(),
          limits: DEFAULT_LIMITS,
          budget: { opcodes: 0 },
          start,
        }),
      )
    expect(run(0)).toEqual({ value: null, end: 4 })
    expect(run(6)).toEqual({ value: 1, end: bytes.length })
  })

  it.each(["", "80", "80 02", "80 02 4e", "80 02 58 ff ff ff ff 2e"])("%j ends early", (bytes) => {
    expect(refusedWith(hex(bytes))).toBe("pickle-truncated")
  })

  it("lets what the policy throws pass", () => {
    class Failing extends TestPolicy {
      override persistentLoad(): never {
        throw new RangeError("from the policy")
      }
    }
    expect(() => load(pickle2("NONE", "BINPERSID"), {}, new Failing())).toThrow(RangeError)
  })
})

describe("sizes that have brought other readers down", () => {
  it("takes 200,000 items at once", () => {
    const count = 200_000
    const nones = repeat(count, "NONE")
    expect(load(pickle2("EMPTY_LIST", "MARK", nones, "APPENDS"))).toMatchObject({ items: { length: count } })
    expect(load(pickle2("MARK", nones, "TUPLE"))).toMatchObject({ items: { length: count } })
    const ints = join(Array.from({ length: count }, (_, i) => assemble(["BININT", i])))
    expect(load(pickle5("EMPTY_SET", "MARK", ints, "ADDITEMS"))).toMatchObject({ items: { length: count } })
    expect(load(pickle5("MARK", ints, "FROZENSET"))).toMatchObject({ items: { length: count } })
    const pairs = Array.from({ length: count }, (_, i) => assemble(["BININT", i], "NONE"))
    const dict = load(pickle2("EMPTY_DICT", "MARK", join(pairs), "SETITEMS"))
    expect(dict instanceof PickleDict && dict.size).toBe(count)
  })

  it("nests 100,000 tuples, lists, dicts and marks", () => {
    const depth = 100_000
    expect(load(pickle2("NONE", repeat(depth, "TUPLE1")))).toBeInstanceOf(PickleTuple)
    expect(load(pickle2(repeat(depth, "EMPTY_LIST"), repeat(depth - 1, "APPEND")))).toBeInstanceOf(PickleList)
    const dicts = pickle2(repeat(depth, "EMPTY_DICT", "NONE"), "EMPTY_DICT", repeat(depth, "SETITEM"))
    expect(load(dicts)).toBeInstanceOf(PickleDict)
    expect(load(pickle2(repeat(depth, "MARK"), repeat(depth, "TUPLE")))).toBeInstanceOf(PickleTuple)
    expect(refusedWith(pickle2(repeat(depth, "MARK")))).toBe("pickle-stack")
  })

  it("nests 100,000 around a refused global", () => {
    const nested = pickle2(["GLOBAL", "os", "system"], repeat(100_000, "TUPLE1"))
    const { detail } = refusal(() => load(nested))
    expect(detail).toMatchObject({ globals: [{ global: "os.system", referredToBy: undefined }] })
  })

  it("shares what a billion laughs share", () => {
    // x = []; forty times: x = [x, x]
    const levels = Array.from({ length: 40 }, (_, i) =>
      assemble("EMPTY_LIST", "MARK", ["BINGET", i], ["BINGET", i], "APPENDS", ["BINPUT", i + 1]),
    )
    const bytes = pickle2("MARK", "EMPTY_LIST", ["BINPUT", 0], join(levels), "TUPLE")
    const value = load(bytes)
    expect(value instanceof PickleTuple && value.items.length).toBe(41)
    expect(refusedWith(pickle2("EMPTY_DICT", bytes.subarray(2, -1), "NONE", "SETITEM"))).toBe("pickle-type")
  })

  it("does not write down a billion laughs to compare it as a key", () => {
    // x = (); forty times: x = (x, x)
    const levels = Array.from({ length: 40 }, (_, i) =>
      assemble(["BINGET", i], ["BINGET", i], "TUPLE2", ["BINPUT", i + 1]),
    )
    const laughs = join([assemble("EMPTY_TUPLE", ["BINPUT", 0]), ...levels])
    const last: Part = ["BINGET", 40]
    const entries: readonly Part[] = ["EMPTY_DICT", last, "NONE", "SETITEM", last, "NONE", "SETITEM"]
    const value = load(pickle2("MARK", laughs, ...entries, "TUPLE"))
    expect(value instanceof PickleTuple && value.items.at(-1)).toMatchObject({ size: 1 })
    const deep = pickle2("EMPTY_DICT", "NONE", repeat(100_000, "TUPLE1"), "NONE", "SETITEM")
    expect(load(deep)).toMatchObject({ size: 1 })
  })

  it("lets a list hold itself", () => {
    const value = load(pickle2("EMPTY_LIST", ["BINPUT", 0], ["BINGET", 0], "APPEND"))
    expect(value instanceof PickleList && value.items[0] === value).toBe(true)
  })
})
