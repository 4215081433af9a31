import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { listGlobalsSteps, type PickleListing } from "../../src/pickle/list-globals.ts"
import type { ListingOptions } from "../../src/pickle/listing.ts"
import { OPCODES } from "../../src/pickle/opcodes.ts"
import type { GlobalMention } from "../../src/pickle/symbolic-stack.ts"
import { assemble, hex, join, latin1, type Part, pickle2, pickle5, repeat } from "./assemble.ts"

const listGlobals = (bytes: Uint8Array, options: ListingOptions) => atOnce(listGlobalsSteps(bytes, options))

interface Listed extends PickleListing {
  readonly mentions: readonly GlobalMention[]
}

function list(bytes: Uint8Array, limits = {}): Listed {
  const mentions: GlobalMention[] = []
  const listing = listGlobals(bytes, {
    within: "p",
    limits: { ...DEFAULT_LIMITS, ...limits },
    onMention: (mention) => {
      mentions.push(mention)
      return mention
    },
  })
  return { ...listing, mentions }
}

/** `module.name use by-opcode` of each mention. */
function uses(...parts: readonly Part[]): readonly string[] {
  const { mentions } = list(assemble(...parts, "STOP"))
  return mentions.map(({ module, name, use, usedBy }) =>
    `${module}.${name} ${use} ${usedBy === undefined ? "" : `${usedBy.opcode}@${usedBy.at}`}`.trim(),
  )
}

const SYSTEM: Part = ["GLOBAL", "os", "system"]
const text = (value: string): Part => ["BINUNICODE", value]

describe("what a global is used for", () => {
  it.each<[what: string, expected: string, ...parts: Part[]]>([
    ["named", "os.system mentioned", SYSTEM],
    ["called", "os.system called REDUCE@12", SYSTEM, "EMPTY_TUPLE", "REDUCE"],
    ["built by NEWOBJ", "os.system instantiated NEWOBJ@12", SYSTEM, "EMPTY_TUPLE", "NEWOBJ"],
    [
      "built by NEWOBJ_EX",
      "os.system instantiated NEWOBJ_EX@13",
      SYSTEM,
      "EMPTY_TUPLE",
      "EMPTY_DICT",
      "NEWOBJ_EX",
    ],
    ["built by OBJ", "os.system instantiated OBJ@13", "MARK", SYSTEM, "NONE", "OBJ"],
    ["built by INST", "os.system instantiated INST@2", "MARK", "NONE", ["INST", "os", "system"]],
    [
      "called, and the result called",
      "os.system called REDUCE@12",
      ...[SYSTEM, "EMPTY_TUPLE", "REDUCE", "EMPTY_TUPLE", "REDUCE"],
    ],
    [
      "built, and the object called",
      "os.system called REDUCE@14",
      ...[SYSTEM, "EMPTY_TUPLE", "NEWOBJ", "EMPTY_TUPLE", "REDUCE"],
    ],
    [
      "called from the memo, after POP",
      "os.system called REDUCE@17",
      ...[SYSTEM, ["BINPUT", 3] as const, "POP", ["BINGET", 3] as const, "EMPTY_TUPLE", "REDUCE"],
    ],
    ["called from a copy", "os.system called REDUCE@13", SYSTEM, "DUP", "EMPTY_TUPLE", "REDUCE"],
  ])("%s", (_, expected, ...parts) => {
    expect(uses(...parts)).toEqual([expected])
  })

  it("is told for each mention apart", () => {
    expect(uses(SYSTEM, SYSTEM, "EMPTY_TUPLE", "REDUCE", SYSTEM)).toEqual([
      "os.system mentioned",
      "os.system called REDUCE@23",
      "os.system mentioned",
    ])
  })
})

describe("the names of STACK_GLOBAL", () => {
  it.each<[what: string, ...parts: Part[]]>([
    ["right before it", text("os"), text("system")],
    ["short", ["SHORT_BINUNICODE", "os"], ["SHORT_BINUNICODE", "system"]],
    ["long", ["BINUNICODE8", "os"], ["BINUNICODE8", "system"]],
    ["of Python 2", ["SHORT_BINSTRING", "os"], ["BINSTRING", "system"]],
    ["of protocol 0, in quotes", ["STRING", "'os'"], ["STRING", '"sys\\x74em"']],
    ["of protocol 0, escaped", ["UNICODE", "\\u006fs"], ["UNICODE", "system"]],
    ["memoized", text("os"), "MEMOIZE", text("system"), ["BINPUT", 9]],
    ["from the memo", text("system"), ["BINPUT", 9], "POP", text("os"), ["BINGET", 9]],
    ["from far memo", text("system"), ["LONG_BINPUT", 70_000], "POP", text("os"), ["LONG_BINGET", 70_000]],
    ["from the memo by text", text("system"), ["PUT", "5"], "POP", text("os"), ["GET", "5"]],
    ["with others made and thrown away", text("os"), "NONE", "POP", text("system"), "MARK", "POP"],
    ["with a list thrown away", text("os"), text("system"), "MARK", "NONE", "NONE", "POP_MARK"],
    ["above what lies on the stack", "NONE", text("a"), text("os"), text("system")],
    ["with a frame", text("os"), ["FRAME", 0], text("system")],
  ])("are followed: %s", (_, ...parts) => {
    expect(uses(...parts, "STACK_GLOBAL")).toEqual(["os.system mentioned"])
  })

  it.each<[what: string, ...parts: Part[]]>([
    ["an integer", text("os"), ["BININT1", 1]],
    ["bytes", ["SHORT_BINBYTES", "os"], text("system")],
    ["the result of a call", SYSTEM, "EMPTY_TUPLE", "REDUCE", text("system")],
    ["nothing", text("system")],
    ["text that is not UTF-8", text("os"), ["BINUNICODE", hex("ff")]],
    ["text without quotes", text("os"), ["STRING", "system"]],
  ])("are not made up: %s", (_, ...parts) => {
    const last = list(assemble(...parts, "STACK_GLOBAL", "STOP")).mentions.at(-1)
    expect(last).toMatchObject({ module: "", name: "", isNamed: false, opcode: "STACK_GLOBAL" })
  })
})

describe("a listing", () => {
  it("shows what names stand there, byte for byte", () => {
    const bytes = join([latin1("cos\r\nsy\0stem \n"), assemble("STOP")])
    expect(list(bytes).mentions).toMatchObject([{ module: "os\r", name: "sy\0stem ", isNamed: true }])
  })

  it("cuts names that no list could hold", () => {
    const [mention] = list(pickle2(["GLOBAL", "m".repeat(300), "n".repeat(256)])).mentions
    expect(mention?.module).toBe(`${"m".repeat(256)}…`)
    expect(mention?.name).toBe("n".repeat(256))
  })

  it("names extensions by their place in Python's registry", () => {
    const { mentions } = list(assemble(["EXT1", 5], ["EXT2", 700], ["EXT4", 70_000], "STOP"))
    expect(mentions.map(({ module, name, isNamed }) => [module, name, isNamed])).toEqual([
      ["copyreg", "_inverted_registry[5]", false],
      ["copyreg", "_inverted_registry[700]", false],
      ["copyreg", "_inverted_registry[70000]", false],
    ])
  })

  it("tells what it went through", () => {
    expect(list(join([pickle5("NONE"), hex("00 00")]))).toMatchObject({
      protocol: 5,
      opcodeCount: 3,
      end: 4,
      complete: true,
      ended: "stop",
    })
    expect(list(assemble("NONE", "STOP")).protocol).toBeUndefined()
  })

  it("ends where the pickle cannot be decoded any more, and says why", () => {
    const broken = list(
      join([assemble(["PROTO", 2], SYSTEM, "EMPTY_TUPLE", "REDUCE"), hex("ff"), latin1("cx\ny\n.")]),
    )
    expect(broken.mentions.map(({ name }) => name)).toEqual(["system"])
    expect(broken).toMatchObject({
      complete: false,
      opcodeCount: 4,
      end: 15,
      ended: "no-opcode",
    })
    expect(list(assemble(SYSTEM)).ended).toBe("cut-off")
    expect(list(repeat(11, "NONE"), { maxOpcodes: 10 }).fault).toMatchObject({ code: "limit-exceeded" })
    expect(list(repeat(11, "NONE", "MEMOIZE"), { maxMemoEntries: 10 }).fault).toMatchObject({
      detail: { limit: "maxMemoEntries" },
    })
  })

  it("goes on behind what only the machine must refuse", () => {
    const odd = [["BINUNICODE", hex("ff fe")] as const, ["LONG4", new Uint8Array(5_000)] as const]
    expect(list(pickle2(...odd, SYSTEM))).toMatchObject({ complete: true, mentions: [{ name: "system" }] })
  })

  it("ends when it is told to", () => {
    let seen = 0
    const listing = listGlobals(pickle2(SYSTEM, SYSTEM, SYSTEM), {
      within: "p",
      limits: DEFAULT_LIMITS,
      onMention: (mention) => (++seen < 2 ? mention : undefined),
    })
    expect(seen).toBe(2)
    expect(listing).toMatchObject({ complete: false, ended: "told" })
  })

  it("survives every opcode on an empty stack and with nothing in the memo", () => {
    for (const { name } of OPCODES.filter(({ name }) => name !== "STOP")) {
      const lead: Part = name === "FRAME" ? ["FRAME", 0] : [name, 1, 1]
      expect(list(assemble(lead, lead, "STOP")).ended, name).toBe("stop")
    }
  })

  it("knows of every opcode what it does to the stack", () => {
    // Two texts stand below: what an opcode leaves on the stack shows in what STACK_GLOBAL finds then.
    const before: ReadonlyMap<string, number> = new Map([
      ["POP", -1],
      ["APPEND", -1],
      ["BUILD", -1],
      ["REDUCE", -1],
      ["NEWOBJ", -1],
      ["STACK_GLOBAL", -1],
      ["SETITEM", -2],
      ["NEWOBJ_EX", -2],
      ["TUPLE1", 0],
      ["TUPLE2", -1],
      ["TUPLE3", -2],
      ["BINPERSID", 0],
    ])
    const nothing = new Set([
      "PUT",
      "BINPUT",
      "LONG_BINPUT",
      "MEMOIZE",
      "PROTO",
      "FRAME",
      "READONLY_BUFFER",
      "MARK",
    ])
    const toMark = new Set(["POP_MARK", "APPENDS", "SETITEMS", "ADDITEMS"])
    const toMarkAndOne = new Set(["LIST", "TUPLE", "DICT", "FROZENSET", "OBJ", "INST"])
    for (const { name } of OPCODES) {
      if (name === "STOP") continue
      const change = before.get(name) ?? (nothing.has(name) || toMark.has(name) ? 0 : 1)
      const marked = toMark.has(name) || toMarkAndOne.has(name)
      const fillers: Part[] = marked ? ["MARK", "NONE", "NONE"] : ["NONE", "NONE", "NONE"]
      const left = marked ? change : 3 + change
      const opcode: Part = name === "FRAME" ? ["FRAME", 0] : [name, 0, 0]
      const clear: Part[] = [
        ...(name === "MARK" ? (["POP"] as const) : []),
        ...Array.from({ length: left }, (): Part => "POP"),
      ]
      const found = uses(text("os"), text("system"), ...fillers, opcode, ...clear, "STACK_GLOBAL").at(-1)
      expect(found, name).toBe("os.system mentioned")
    }
  })
})
