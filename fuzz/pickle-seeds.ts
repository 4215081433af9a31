/** Pickles to begin with: some that torch wrote, and some that do what torch never writes. */

import { assemble, type Part, pickle2, pickle5 } from "../test/pickle/assemble.ts"
import realPickles from "../test/pickle/real-pickles.json"
import { OPCODES } from "./formats/pickle-opcodes.ts"

type Seeds = Readonly<Record<string, Uint8Array>>

/** Those of `test/pickle/real-pickles.json` that are shorter than `mostBytes`, and the others. */
export function pickleSeeds(mostBytes: number): Seeds {
  const real = realPickles
    .filter(({ hex }) => hex.length / 2 < mostBytes)
    .map(({ about, hex }, i) => [`real-${i}-${about.replace(/\W+/g, "-")}`, Buffer.from(hex, "hex")] as const)
  return { ...Object.fromEntries(real), ...opcodeSeeds(), ...refusedSeeds(), ...globalSeeds() }
}

const text = (value: string | Uint8Array): Part => ["BINUNICODE", value]
const global = (module: string, name: string): Part => ["GLOBAL", module, name]
const repeated = (opcode: string, times: number): readonly Part[] => new Array<Part>(times).fill(opcode)

function opcodeSeeds(): Seeds {
  const texts: readonly Part[] = [
    ["SHORT_BINUNICODE", "é"],
    ["BINUNICODE8", "x".repeat(40)],
    text(Uint8Array.of(0xed, 0xa0, 0x80)),
    ...(
      ["SHORT_BINSTRING", "BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"] as const
    ).map((name): Part => [name, "s"]),
  ]
  const integers: readonly Part[] = [
    ["LONG1", 2n ** 70n],
    ["LONG4", -(2n ** 70n)],
    ["BININT", -5],
    ["LONG1", 0],
    ["BINFLOAT", 1.5],
  ]
  const deep = (depth: number, ...inner: readonly Part[]): Uint8Array =>
    pickle2(...repeated("EMPTY_LIST", depth), ...inner, ...repeated("APPEND", depth - 1 + inner.length))
  return {
    "every-opcode": Uint8Array.from([0x80, 5, ...OPCODES.map(({ code }) => code), 0x2e]),
    integers: pickle5("EMPTY_LIST", "MARK", ...integers, "APPENDS"),
    texts: pickle5("MARK", ...texts, "TUPLE"),
    halves: pickle2(text(Uint8Array.of(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80))),
    sets: pickle5(
      "EMPTY_SET",
      "MARK",
      ["BININT1", 1],
      "ADDITEMS",
      "MARK",
      ["BININT1", 1],
      "FROZENSET",
      "TUPLE2",
    ),
    cycle: pickle2("EMPTY_LIST", ["BINPUT", 0], ["BINGET", 0], "APPEND"),
    deep: deep(210),
    "deep-refused": deep(210, global("os", "x")),
    framed: assemble(["PROTO", 4], ["FRAME", 2], "NONE", "MEMOIZE", "STOP"),
    memo: pickle2(
      "EMPTY_LIST",
      ["LONG_BINPUT", 2 ** 32 - 1],
      ["LONG_BINGET", 2 ** 32 - 1],
      ["BINPUT", 1],
      ["BINGET", 1],
      "TUPLE3",
    ),
    "nan-key": pickle2(
      "EMPTY_DICT",
      ["BINFLOAT", Number.NaN],
      "NONE",
      "SETITEM",
      ["BINFLOAT", 1e300],
      "NONE",
      "SETITEM",
    ),
    "long-name": pickle5(text("m".repeat(300)), text("n"), "STACK_GLOBAL"),
  }
}

function refusedSeeds(): Seeds {
  const call: readonly Part[] = [global("os", "system"), text("true"), "TUPLE1", "REDUCE"]
  const instance: readonly Part[] = [global("a", "B"), "EMPTY_TUPLE", "EMPTY_DICT", "NEWOBJ_EX"]
  return {
    refused: pickle2(...call, global("posix", "fork"), "EMPTY_TUPLE", "NEWOBJ", "TUPLE2"),
    "refused-keywords": pickle5(...instance, "NONE", "BUILD", "MARK", "NONE", "APPENDS"),
    "refused-behind": pickle5(global("a", "b"), "POP", text("m".repeat(300)), text("n"), "STACK_GLOBAL"),
  }
}

function globalSeeds(): Seeds {
  const call = (module: string, name: string, ...args: readonly Part[]): readonly Part[] => {
    return [global(module, name), ...args, "REDUCE"]
  }
  const fromType = (rebuild: Part, args: Part): Uint8Array =>
    pickle2(
      ...call(
        "torch._tensor",
        "_rebuild_from_type_v2",
        "MARK",
        rebuild,
        global("torch", "Tensor"),
        args,
        "EMPTY_DICT",
        "TUPLE",
      ),
    )
  const pair: readonly Part[] = ["EMPTY_LIST", text("a"), "NONE", "TUPLE2", "APPEND", "TUPLE1"]
  return {
    "from-type": fromType(global("torch._utils", "_rebuild_qtensor"), "EMPTY_TUPLE"),
    "from-type-wrong": fromType(global("torch", "Size"), "NONE"),
    "ordered-pairs": pickle2(...call("collections", "OrderedDict", ...pair)),
    "plain-globals": pickle2(
      "MARK",
      ...call("collections", "Counter", "EMPTY_DICT", "TUPLE1"),
      ...call("collections", "defaultdict", global("builtins", "list"), "TUPLE1"),
      ...call("_codecs", "encode", text("é"), text("latin1"), "TUPLE2"),
      ...call("__builtin__", "set", "EMPTY_LIST", "TUPLE1"),
      ...call("__builtin__", "complex", ["BINFLOAT", 1], ["BINFLOAT", 2], "TUPLE2"),
      ...call("torch", "Size", "EMPTY_TUPLE", "TUPLE1"),
      ...call("torch", "device", text("cuda"), ["BININT1", 0], "TUPLE2"),
      ...call("torch.serialization", "_get_layout", text("torch.strided"), "TUPLE1"),
      "TUPLE",
    ),
  }
}
