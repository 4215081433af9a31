import { describe, expect, it } from "vitest"
import { HANDLERS } from "../../src/pickle/handlers.ts"
import { OPCODE_BY_BYTE, OPCODES } from "../../src/pickle/opcodes.ts"
import { PickleDict, PickleFloat } from "../../src/pickle/values.ts"
import { assemble, hex, type Part, pickle2, pickle5 } from "./assemble.ts"
import { load, plain, refusal, refusedWith, TestPolicy } from "./run.ts"

/** One pickle for each accepted opcode, written out byte by byte. */
const BY_HAND: readonly (readonly [opcode: string, bytes: string, value: unknown])[] = [
  ["BININT", "80 02 4a fe ff ff ff 2e", -2],
  ["BININT1", "80 02 4b ff 2e", 255],
  ["BININT2", "80 02 4d 00 01 2e", 256],
  ["LONG1", "80 02 8a 08 00 00 00 00 00 00 00 80 2e", -(2n ** 63n)],
  ["LONG4", "80 02 8b 01 00 00 00 ff 2e", -1],
  ["BINSTRING", "80 02 54 02 00 00 00 68 69 2e", "hi"],
  ["SHORT_BINSTRING", "80 02 55 02 68 69 2e", "hi"],
  ["BINBYTES", "80 03 42 01 00 00 00 ff 2e", hex("ff")],
  ["SHORT_BINBYTES", "80 03 43 01 ff 2e", hex("ff")],
  ["BINBYTES8", "80 04 8e 01 00 00 00 00 00 00 00 ff 2e", hex("ff")],
  ["BYTEARRAY8", "80 05 96 01 00 00 00 00 00 00 00 ff 2e", hex("ff")],
  ["NONE", "80 02 4e 2e", null],
  ["NEWTRUE", "80 02 88 2e", true],
  ["NEWFALSE", "80 02 89 2e", false],
  ["SHORT_BINUNICODE", "80 04 8c 02 c3 a9 2e", "é"],
  ["BINUNICODE", "80 02 58 01 00 00 00 61 2e", "a"],
  ["BINUNICODE8", "80 04 8d 01 00 00 00 00 00 00 00 61 2e", "a"],
  ["BINFLOAT", "80 02 47 3f f8 00 00 00 00 00 00 2e", { float: 1.5 }],
  ["EMPTY_LIST", "80 02 5d 2e", []],
  ["APPEND", "80 02 5d 4e 61 2e", [null]],
  ["APPENDS", "80 02 5d 28 4b 01 4b 02 65 2e", [1, 2]],
  ["EMPTY_TUPLE", "80 02 29 2e", { tuple: [] }],
  ["TUPLE", "80 02 28 4b 01 4b 02 74 2e", { tuple: [1, 2] }],
  ["TUPLE1", "80 02 4b 01 85 2e", { tuple: [1] }],
  ["TUPLE2", "80 02 4b 01 4b 02 86 2e", { tuple: [1, 2] }],
  ["TUPLE3", "80 02 4b 01 4b 02 4b 03 87 2e", { tuple: [1, 2, 3] }],
  ["EMPTY_DICT", "80 02 7d 2e", new Map()],
  ["SETITEM", "80 02 7d 4b 01 4b 02 73 2e", new Map([[1, 2]])],
  [
    "SETITEMS",
    "80 02 7d 28 4b 01 4b 02 4b 03 4e 75 2e",
    new Map<number, number | null>([
      [1, 2],
      [3, null],
    ]),
  ],
  ["EMPTY_SET", "80 04 8f 2e", { set: [] }],
  ["ADDITEMS", "80 04 8f 28 4b 01 90 2e", { set: [1] }],
  ["FROZENSET", "80 04 28 4b 01 91 2e", { frozenset: [1] }],
  ["MARK", "80 02 28 74 2e", { tuple: [] }],
  ["BINGET", "80 02 4b 07 71 05 68 05 86 2e", { tuple: [7, 7] }],
  ["LONG_BINGET", "80 02 4b 07 72 ff ff ff ff 6a ff ff ff ff 86 2e", { tuple: [7, 7] }],
  ["BINPUT", "80 02 4e 71 00 2e", null],
  ["LONG_BINPUT", "80 02 4e 72 00 01 00 00 2e", null],
  ["MEMOIZE", "80 04 4b 07 94 68 00 86 2e", { tuple: [7, 7] }],
  ["GLOBAL", "80 02 63 6b 6e 6f 77 6e 0a 43 6c 61 73 73 0a 2e", { kind: "object:global", of: "Class" }],
  [
    "STACK_GLOBAL",
    "80 04 8c 05 6b 6e 6f 77 6e 8c 05 43 6c 61 73 73 93 2e",
    { kind: "object:global", of: "Class" },
  ],
  ["PROTO", "80 05 4e 2e", null],
  ["STOP", "80 02 4e 2e", null],
  ["FRAME", "80 04 95 02 00 00 00 00 00 00 00 4e 2e", null],
  ["BINPERSID", "80 02 4b 01 51 2e", { kind: "object:persistent", of: 1 }],
]

/** Those that only a policy gives meaning to have tests of their own below. */
const BY_POLICY = ["REDUCE", "BUILD", "NEWOBJ", "NEWOBJ_EX"]

describe("accepted opcodes", () => {
  it.each(BY_HAND)("%s: %s", (opcode, bytes, value) => {
    expect([...hex(bytes)].map((byte) => OPCODE_BY_BYTE[byte]?.name)).toContain(opcode)
    expect(plain(load(hex(bytes)))).toEqual(value)
  })

  it("all have a case", () => {
    const accepted = OPCODES.filter(({ code }) => HANDLERS[code] !== undefined).map(({ name }) => name)
    expect([...BY_HAND.map(([name]) => name), ...BY_POLICY].sort()).toEqual(accepted.sort())
  })
})

describe("refused opcodes", () => {
  const operands: ReadonlyMap<string, readonly (string | number)[]> = new Map<
    string,
    readonly (string | number)[]
  >([
    ["INT", ["1"]],
    ["LONG", ["1L"]],
    ["FLOAT", ["1.5"]],
    ["STRING", ["'a'"]],
    ["UNICODE", ["a"]],
    ["GET", ["0"]],
    ["PUT", ["0"]],
    ["PERSID", ["1"]],
    ["INST", ["known", "Class"]],
    ["EXT1", [1]],
    ["EXT2", [1]],
    ["EXT4", [1]],
  ])

  it.each(OPCODES.filter(({ accepted }) => !accepted).map(({ name }) => name))("%s", (name) => {
    // Whatever an opcode may need is there, so that it is refused for itself.
    const before: Part[] = ["EMPTY_LIST", "MARK", ["GLOBAL", "known", "Class"], "NONE", ["BINPUT", 0], "NONE"]
    const { code, message } = refusal(() =>
      load(assemble(["PROTO", 5], ...before, [name, ...(operands.get(name) ?? [])], "STOP")),
    )
    expect(code).toBe("pickle-opcode")
    expect(message).toContain(`the opcode ${name} is not accepted`)
  })

  it("are refused at the very beginning too", () => {
    expect(refusedWith(assemble(["INT", "1"], "STOP"))).toBe("pickle-opcode")
  })
})

describe("lists, sets and dicts", () => {
  it.each<[what: string, ...parts: Part[]]>([
    ["APPEND to a dict", "EMPTY_DICT", "NONE", "APPEND"],
    ["APPEND to a tuple", "EMPTY_TUPLE", "NONE", "APPEND"],
    ["APPEND to text", ["BINUNICODE", "a"], "NONE", "APPEND"],
    ["APPEND to bytes", ["SHORT_BINBYTES", "a"], "NONE", "APPEND"],
    ["APPEND to a set", "EMPTY_SET", "NONE", "APPEND"],
    ["APPENDS to a dict", "EMPTY_DICT", "MARK", "NONE", "APPENDS"],
    [
      "APPENDS to a call's result",
      ["GLOBAL", "known", "function"],
      "EMPTY_TUPLE",
      "REDUCE",
      "MARK",
      "NONE",
      "APPENDS",
    ],
    ["SETITEM on a list", "EMPTY_LIST", ["BININT1", 0], "NONE", "SETITEM"],
    ["SETITEM on None", "NONE", "NONE", "NONE", "SETITEM"],
    ["SETITEM on a global", ["GLOBAL", "known", "Class"], "NONE", "NONE", "SETITEM"],
    ["SETITEM on a storage", "NONE", "BINPERSID", "NONE", "NONE", "SETITEM"],
    ["SETITEM on text", ["BINUNICODE", "__proto__"], "NONE", "NONE", "SETITEM"],
    ["SETITEMS on a list", "EMPTY_LIST", "MARK", "NONE", "NONE", "SETITEMS"],
    ["SETITEMS with nothing on a tuple", "EMPTY_TUPLE", "MARK", "SETITEMS"],
    ["ADDITEMS on a list", "EMPTY_LIST", "MARK", "NONE", "ADDITEMS"],
    ["ADDITEMS on a frozenset", "MARK", "FROZENSET", "MARK", "ADDITEMS", "MARK", "APPENDS"],
  ])("%s is refused", (_, ...parts) => {
    expect(refusedWith(pickle5(...parts))).toBe("pickle-type")
  })

  it("refuses a key without a value", () => {
    expect(refusedWith(pickle2("EMPTY_DICT", "MARK", "NONE", "SETITEMS"))).toBe("pickle-stack")
    expect(refusedWith(pickle2("EMPTY_DICT", "MARK", "NONE", "NONE", "NONE", "SETITEMS"))).toBe(
      "pickle-stack",
    )
  })

  it("takes 1, 1.0 and True for one key, and 1 and text 1 for two", () => {
    const value = load(
      pickle2(
        "EMPTY_DICT",
        "MARK",
        ...([
          ["BININT1", 1],
          ["BINUNICODE", "a"],
          ["BINFLOAT", 1],
          ["BINUNICODE", "b"],
        ] as const),
        ...(["NEWTRUE", ["BINUNICODE", "c"], ["BINUNICODE", "1"], ["BINUNICODE", "d"]] as const),
        "SETITEMS",
      ),
    )
    expect(plain(value)).toEqual(
      new Map<unknown, string>([
        [1, "c"],
        ["1", "d"],
      ]),
    )
  })

  it("keeps floats apart from integers", () => {
    expect(load(pickle2(["BINFLOAT", 1]))).toEqual(new PickleFloat(1))
    expect(load(pickle2(["BININT1", 1]))).toBe(1)
  })

  it("writes into no prototype", () => {
    const name = (text: string): Part => ["BINUNICODE", text]
    const value = load(
      pickle2(
        "EMPTY_DICT",
        name("__proto__"),
        "EMPTY_DICT",
        name("polluted"),
        "NEWTRUE",
        "SETITEM",
        "SETITEM",
      ),
    )
    expect(plain(value)).toEqual(new Map([["__proto__", new Map([["polluted", true]])]]))
    expect(Object.keys(Object.prototype)).toEqual([])
    expect("polluted" in {}).toBe(false)
  })

  it("shares what the memo shares", () => {
    // l = []; d = {1: l, 2: l}; l.append(7)
    const value = load(
      pickle2(
        "EMPTY_DICT",
        "MARK",
        ["BININT1", 1],
        "EMPTY_LIST",
        ["BINPUT", 0],
        ["BININT1", 2],
        ["BINGET", 0],
        ["BININT1", 7],
        "APPEND",
        "SETITEMS",
      ),
    )
    expect(plain(value)).toEqual(
      new Map([
        [1, [7]],
        [2, [7]],
      ]),
    )
  })
})

describe("calls", () => {
  const fn: Part = ["GLOBAL", "known", "function"]
  const known = { kind: "object:global", of: "function" }

  it("asks the policy", () => {
    // 80 02 PROTO 2, 63 GLOBAL 'known function', 4b 01 BININT1 1, 85 TUPLE1, 52 REDUCE, 2e STOP
    const reduced = hex("80 02 63 6b 6e 6f 77 6e 0a 66 75 6e 63 74 69 6f 6e 0a 4b 01 85 52 2e")
    expect(load(reduced)).toMatchObject({ kind: "object:call", of: known, args: { items: [1] } })
    expect(load(pickle2(fn, "EMPTY_TUPLE", "NEWOBJ"))).toMatchObject({ kind: "object:instance", of: known })
  })

  it.each<[what: string, ...parts: Part[]]>([
    ["a list", "EMPTY_LIST"],
    ["None", "NONE"],
    ["text", ["BINUNICODE", "ab"]],
    ["a dict", "EMPTY_DICT"],
    ["a global", ["GLOBAL", "known", "Class"]],
  ])("refuses %s as the arguments", (_, ...args) => {
    expect(refusedWith(pickle2(fn, ...args, "REDUCE"))).toBe("pickle-type")
    expect(refusedWith(pickle2(fn, ...args, "NEWOBJ"))).toBe("pickle-type")
  })

  it("refuses NEWOBJ_EX, whatever is called", () => {
    for (const callable of [fn, "NONE", ["BINUNICODE", "known"]] as const) {
      expect(refusedWith(pickle5(callable, "EMPTY_TUPLE", "EMPTY_DICT", "NEWOBJ_EX"))).toBe("pickle-opcode")
    }
  })

  it("hands BUILD to the policy and leaves the target", () => {
    const policy = new TestPolicy()
    const value = load(pickle2("EMPTY_DICT", ["BININT1", 1], "BUILD"), {}, policy)
    expect(value).toBeInstanceOf(PickleDict)
    expect(policy.built).toEqual([[value, 1]])
  })
})

describe("STACK_GLOBAL", () => {
  it.each<[what: string, module: Part, name: Part]>([
    ["bytes", ["SHORT_BINBYTES", "known"], ["SHORT_BINUNICODE", "Class"]],
    ["None", ["SHORT_BINUNICODE", "known"], "NONE"],
    ["a tuple", "EMPTY_TUPLE", ["SHORT_BINUNICODE", "Class"]],
    ["integers", ["BININT1", 1], ["BININT1", 2]],
    ["a global", ["GLOBAL", "known", "Class"], ["SHORT_BINUNICODE", "Class"]],
  ])("refuses %s for text", (_, module, name) => {
    expect(refusedWith(pickle5(module, name, "STACK_GLOBAL"))).toBe("pickle-type")
  })

  it("asks the same question as GLOBAL", () => {
    for (const bytes of [
      pickle2(["GLOBAL", "known", "Class"]),
      pickle5(["SHORT_BINUNICODE", "known"], ["SHORT_BINUNICODE", "Class"], "STACK_GLOBAL"),
    ]) {
      const policy = new TestPolicy()
      load(bytes, {}, policy)
      expect(policy.asked).toEqual(["known Class"])
    }
  })

  it("takes names of up to 256 characters", () => {
    const named = (length: number) =>
      pickle5(["SHORT_BINUNICODE", "os"], ["BINUNICODE", "n".repeat(length)], "STACK_GLOBAL")
    expect(refusedWith(named(256))).toBe("global-not-allowed")
    expect(refusedWith(named(257))).toBe("pickle-text")
  })
})
