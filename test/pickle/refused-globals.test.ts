import { describe, expect, it } from "vitest"
import type { Limits } from "../../src/limits/limits.ts"
import type { RefusedGlobal } from "../../src/pickle/errors.ts"
import { assemble, hex, join, latin1, type Part, pickle2, pickle5, repeat } from "./assemble.ts"
import { load, refusal, TestPolicy } from "./run.ts"

const SYSTEM: Part = ["GLOBAL", "os", "system"]
const EVAL: Part = ["GLOBAL", "builtins", "eval"]
const text = (value: string): Part => ["BINUNICODE", value]

function refusedIn(bytes: Uint8Array, limits: Partial<Limits> = {}): readonly RefusedGlobal[] {
  const error = refusal(() => load(bytes, limits))
  if (error.code !== "global-not-allowed") throw error
  return error.detail.globals
}

function namesIn(bytes: Uint8Array): readonly string[] {
  return refusedIn(bytes).map(({ global, use }) => `${global} ${use}`)
}

describe("a global that is not on the list", () => {
  it("is refused where it is called", () => {
    // 80 02 PROTO 2 | 63 GLOBAL 'os system' | 58 BINUNICODE 'ls' | 85 TUPLE1 | 52 REDUCE | 2e STOP
    const bytes = hex("80 02 63 6f 73 0a 73 79 73 74 65 6d 0a 58 02 00 00 00 6c 73 85 52 2e")
    expect(refusedIn(bytes)).toMatchObject([
      { global: "os.system", module: "os", name: "system", pickle: "p", at: 2, use: "called" },
    ])
  })

  it.each<[what: string, use: string, ...parts: Part[]]>([
    ["is only named", "mentioned", SYSTEM],
    ["is in a list", "mentioned", "EMPTY_LIST", SYSTEM, "APPEND"],
    ["is built", "instantiated", SYSTEM, "EMPTY_TUPLE", "NEWOBJ"],
    ["is built with keywords", "instantiated", SYSTEM, "EMPTY_TUPLE", "EMPTY_DICT", "NEWOBJ_EX"],
    ["is named by STACK_GLOBAL", "mentioned", text("os"), text("system"), "STACK_GLOBAL"],
    ["is called twice over", "called", SYSTEM, "EMPTY_TUPLE", "REDUCE", "EMPTY_TUPLE", "REDUCE"],
    ["gets no tuple", "called", SYSTEM, "NONE", "REDUCE"],
    ["gets state", "instantiated", SYSTEM, "EMPTY_TUPLE", "NEWOBJ", "EMPTY_DICT", "BUILD"],
    ["gets items", "called", SYSTEM, "EMPTY_TUPLE", "REDUCE", "MARK", "NONE", "NONE", "SETITEMS"],
    ["gets one item", "called", SYSTEM, "EMPTY_TUPLE", "REDUCE", "NONE", "NONE", "SETITEM"],
    [
      "gets list items",
      "called",
      SYSTEM,
      "EMPTY_TUPLE",
      "REDUCE",
      "MARK",
      "NONE",
      "APPENDS",
      "NONE",
      "APPEND",
    ],
    ["gets set items", "called", SYSTEM, "EMPTY_TUPLE", "REDUCE", "MARK", "NONE", "ADDITEMS"],
  ])("%s", (_, use, ...parts) => {
    expect(namesIn(pickle5(...parts))).toEqual([`os.system ${use}`])
  })

  it.each<[module: string, name: string]>([
    ["__proto__", "toString"],
    ["torch", "constructor"],
    ["known", "__proto__"],
    ["known", "hasOwnProperty"],
    ["constructor", "constructor"],
    ["", ""],
    [" known", "Class"],
    ["known ", "Class"],
    ["known", "class"],
    ["Known", "Class"],
    ["known", "Class.__init__"],
    ["known.Class", "__init__"],
    ["known.Class", ""],
    ["known", "Class "],
  ])("%j %j", (module, name) => {
    const expected = [`${module}.${name} mentioned`]
    expect(namesIn(pickle2(["GLOBAL", module, name]))).toEqual(expected)
    expect(namesIn(pickle5(text(module), text(name), "STACK_GLOBAL"))).toEqual(expected)
  })

  it.each<[module: string, name: string]>([
    ["known\r", "Class"],
    ["known\n", "Class"],
    ["known\nClass", ""],
    ["kn\u043ewn", "Class"],
    ["known\0", "Class"],
    ["\ufeffknown", "Class"],
  ])("%j %j, which only STACK_GLOBAL can write", (module, name) => {
    expect(namesIn(pickle5(text(module), text(name), "STACK_GLOBAL"))).toEqual([
      `${module}.${name} mentioned`,
    ])
  })

  it("is refused before its name is trusted: unterminated, CR LF, NUL", () => {
    const code = (bytes: Uint8Array) => refusal(() => load(bytes)).code
    expect(code(join([assemble(["PROTO", 2]), latin1("cos\nsystem")]))).toBe("pickle-truncated")
    expect(code(join([assemble(["PROTO", 2]), latin1("cos\r\nsystem\r\n.")]))).toBe("pickle-text")
    expect(code(join([assemble(["PROTO", 2]), latin1("cos\nsystem\0\n.")]))).toBe("pickle-text")
  })

  it("is asked for exactly as it is written", () => {
    const policy = new TestPolicy()
    refusal(() => load(pickle2(["GLOBAL", "a b", "C.d"]), {}, policy))
    expect(policy.asked).toEqual(["a b C.d"])
  })
})

describe("one error", () => {
  it("names every global, with what refers to it", () => {
    // {"model": [os.system], "hooks": {"on_load": builtins.eval("1"), 7: [(pkg.Made, state)]}}
    const bytes = pickle5(
      "EMPTY_DICT",
      "MARK",
      text("model"),
      "EMPTY_LIST",
      SYSTEM,
      "APPEND",
      text("hooks"),
      "EMPTY_DICT",
      "MARK",
      ...[text("on_load"), EVAL, text("1"), "TUPLE1", "REDUCE"],
      ...[["BININT1", 7] as const, text("pkg"), text("Made"), "STACK_GLOBAL", "EMPTY_TUPLE", "NEWOBJ"],
      ...["EMPTY_DICT", text("inner"), ["GLOBAL", "pkg", "Inner"] as const, "SETITEM", "BUILD"],
      "SETITEMS",
      "SETITEMS",
    )
    expect(refusedIn(bytes).map(({ global, use, referredToBy }) => [global, use, referredToBy])).toEqual([
      ["os.system", "mentioned", "model.0"],
      ["builtins.eval", "called", "hooks.on_load"],
      ["pkg.Made", "instantiated", "hooks.7"],
      ["pkg.Inner", "mentioned", "hooks.7.inner"],
    ])
  })

  it("names them in the order in which the pickle does, each time it does", () => {
    const bytes = pickle2("MARK", EVAL, SYSTEM, SYSTEM, "TUPLE")
    expect(refusedIn(bytes).map(({ global, at, referredToBy }) => [global, at, referredToBy])).toEqual([
      ["builtins.eval", 3, "0"],
      ["os.system", 18, "1"],
      ["os.system", 29, "2"],
    ])
  })

  it.each<[what: string, tail: Uint8Array, cause: string]>([
    ["a byte that is no opcode", hex("ff"), "pickle-opcode"],
    ["a refused opcode", assemble("POP", "STOP"), "pickle-opcode"],
    ["no end", hex(""), "pickle-truncated"],
    ["a cut operand", hex("58 ff"), "pickle-truncated"],
    ["bad text", hex("58 01 00 00 00 ff"), "pickle-text"],
    ["a missing mark", assemble("TUPLE", "STOP"), "pickle-stack"],
    ["two values", assemble("NONE", "STOP"), "pickle-stack"],
    ["a wrong type", assemble("NONE", "NONE", "APPEND", "STOP"), "pickle-type"],
    ["a second PROTO", assemble(["PROTO", 2], "STOP"), "pickle-protocol"],
    ["an unknown memo entry", assemble(["BINGET", 9], "STOP"), "pickle-memo"],
    ["an integer beyond the limit", assemble(["LONG4", new Uint8Array(5000)], "STOP"), "limit-exceeded"],
  ])("is about the global, not about what is wrong behind it: %s", (_, tail, cause) => {
    const bytes = join([assemble(["PROTO", 2], SYSTEM, text("ls"), "TUPLE1", "REDUCE"), tail])
    const error = refusal(() => load(bytes))
    expect(error.code).toBe("global-not-allowed")
    expect(error.message).toContain("os.system; called at p@2")
    expect(
      refusal(() => {
        throw error.cause
      }).code,
    ).toBe(cause)
  })

  it("names what comes after the place where the machine gives up", () => {
    const tail = [
      SYSTEM,
      ["INST", "builtins", "exec"] as const,
      text("posix"),
      ["BINPUT", 3] as const,
      text("popen"),
    ]
    const bytes = pickle2("DUP", ...tail, "MEMOIZE", "STACK_GLOBAL", ["GLOBAL", "known", "Class"])
    expect(namesIn(bytes)).toEqual([
      "os.system mentioned",
      "builtins.exec instantiated",
      "posix.popen mentioned",
    ])
  })

  it("invents none where the operands of STACK_GLOBAL come from the memo or are far away", () => {
    const stack: Part[] = [["BINGET", 0], text("Class"), "STACK_GLOBAL"]
    const code = (...parts: Part[]) => refusal(() => load(pickle5(text("known"), "MEMOIZE", ...parts))).code
    expect(code("POP", text("layer"), "NONE", ...stack)).toBe("pickle-opcode")
    expect(code("POP", text("layer"), text("weight"), "NONE", "STACK_GLOBAL")).toBe("pickle-opcode")
    expect(code("POP", text("weight"), "STACK_GLOBAL")).toBe("pickle-opcode")
  })

  it("does not look behind STOP, nor behind bytes that cannot be decoded", () => {
    const code = (bytes: Uint8Array) => refusal(() => load(bytes)).code
    expect(code(assemble(["PROTO", 2], "STOP", SYSTEM, "STOP"))).toBe("pickle-stack")
    expect(code(assemble(["PROTO", 2], "NONE", hex("ff"), SYSTEM, "STOP"))).toBe("pickle-opcode")
    expect(code(assemble(["PROTO", 2], ["BINUNICODE", hex("ff")], SYSTEM, "STOP"))).toBe("pickle-text")
  })

  it("stops at 10,000 globals", () => {
    expect(refusedIn(pickle2("MARK", repeat(9_999, SYSTEM), "TUPLE"))).toHaveLength(9_999)
    expect(refusedIn(pickle2("MARK", repeat(30_000, SYSTEM), "TUPLE"))).toHaveLength(10_000)
    expect(refusedIn(pickle2("MARK", SYSTEM, "POP", repeat(30_000, SYSTEM), "TUPLE"))).toHaveLength(10_000)
  })
})

describe("what refers to a global", () => {
  const pathOf = (...parts: Part[]) => refusedIn(pickle5(...parts))[0]?.referredToBy

  it("is found in every container, and through the arguments of what is refused", () => {
    expect(pathOf("EMPTY_SET", "MARK", SYSTEM, "ADDITEMS")).toBe("0")
    expect(pathOf("NONE", SYSTEM, "TUPLE2", "TUPLE1")).toBe("0.1")
    expect(pathOf("EMPTY_DICT", SYSTEM, "NONE", "SETITEM")).toBeUndefined()
    expect(pathOf("EMPTY_DICT", text("a"), SYSTEM, EVAL, "TUPLE1", "REDUCE", "SETITEM")).toBe("a")
    expect(pathOf("EMPTY_DICT", "NONE", SYSTEM, "SETITEM")).toBe("?")
    expect(pathOf(SYSTEM)).toBeUndefined()
  })

  it("is looked for once in what is shared and in what contains itself", () => {
    expect(pathOf("EMPTY_LIST", ["BINPUT", 0], ["BINGET", 0], "APPEND", SYSTEM, "APPEND")).toBe("1")
    expect(
      pathOf("EMPTY_LIST", SYSTEM, "APPEND", ["BINPUT", 0], ["BINGET", 0], ["BINGET", 0], "TUPLE3"),
    ).toBe("0.0")
  })

  it("is cut to what a message can show", () => {
    const name = "k".repeat(100)
    const nested = (depth: number): Part[] => [
      ...Array.from({ length: depth }, (): Part[] => ["EMPTY_DICT", text(name)]).flat(),
      SYSTEM,
      ...Array.from({ length: depth }, (): Part => "SETITEM"),
    ]
    expect(pathOf(...nested(2))).toBe(`${"k".repeat(80)}.${"k".repeat(80)}`)
    expect(pathOf(...nested(20))).toHaveLength(16 * 81 - 1)
  })

  it("is not looked for below maxNesting, nor after maxNodes values", () => {
    const deep = pickle2(SYSTEM, repeat(5, "TUPLE1"))
    expect(refusedIn(deep, { maxNesting: 5 })[0]?.referredToBy).toBe("0.0.0.0.0")
    expect(refusedIn(deep, { maxNesting: 4 })[0]?.referredToBy).toBeUndefined()
    const wide = pickle2("MARK", repeat(9, "NONE"), SYSTEM, "TUPLE")
    expect(refusedIn(wide, { maxNodes: 11 })[0]?.referredToBy).toBe("9")
    expect(refusedIn(wide, { maxNodes: 10 })[0]?.referredToBy).toBeUndefined()
  })

  it("costs no more than the pickle is long, however deep each global lies", () => {
    // ((((), os.system), os.system), ...): 9,000 levels, each with a global.
    const chain = pickle2("EMPTY_TUPLE", repeat(9_000, SYSTEM, "TUPLE2"))
    expect(refusedIn(chain)).toHaveLength(9_000)
  })
})
