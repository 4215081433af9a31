/** Small pickles that ask for much: sharing, nesting, cycles, names, and sheer length. */

import { buildZip, type MemberSpec } from "../archive/zip-builder.ts"
import { type Part, repeat } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  call,
  checkpointMembers,
  dict,
  global,
  HERE,
  int,
  ORDERED_DICT,
  PICKLE,
  refusePickle,
  refuseValue,
  stateDict,
  tensor,
  text,
} from "./checkpoint-parts.ts"
import { repeatedDeflate } from "./repeated-deflate.ts"

const MEMO_TENSOR: readonly Part[] = [...tensor(), ["BINPUT", 0]]

const LIST_OF_TWO: readonly Part[] = ["EMPTY_LIST", "MARK", ["BINGET", 0], ["BINGET", 0], "APPENDS"]
const TUPLE_OF_TWO: readonly Part[] = [["BINGET", 0], ["BINGET", 0], "TUPLE2"]
const DICT_OF_TWO = dict([[text("a")], [["BINGET", 0]]], [[text("b")], [["BINGET", 0]]])

const tooMany = { expect: { limit: "maxTensors" } } as const
const tooDeep = { expect: { limit: "maxNesting" } } as const

/** A tensor within so many levels, each of which holds the one below twice. */
const laughs = (name: string, levels: number, double: readonly Part[]): HostileCase =>
  refuseValue(
    "laughs",
    name,
    "limit-exceeded",
    ["MARK", ...MEMO_TENSOR, repeat(levels, ...double, ["BINPUT", 0]), "TUPLE"],
    tooMany,
  )

const SHARED: readonly HostileCase[] = [
  laughs("lists of two, 40 levels", 40, LIST_OF_TWO),
  laughs("tuples of two, 40 levels", 40, TUPLE_OF_TWO),
  laughs("dicts of two, 40 levels", 40, DICT_OF_TWO),
  laughs("lists of two, 190 levels: more paths than a double can count exactly", 190, LIST_OF_TWO),
  laughs("lists of a thousand, 3 levels", 3, ["EMPTY_LIST", "MARK", repeat(1000, ["BINGET", 0]), "APPENDS"]),
  refuseValue(
    "laughs",
    "one list of a million tensors that are one, under three keys",
    "limit-exceeded",
    [
      ...["MARK", ...MEMO_TENSOR, "EMPTY_LIST", "MARK", repeat(1_000_000, ["BINGET", 0]), "APPENDS"],
      ...([["BINPUT", 1], ["BINGET", 1], ["BINGET", 1], "TUPLE"] as const),
    ],
    tooMany,
  ),
  refuseValue(
    "laughs",
    "a list of 100 in itself three times over, walked for nodes",
    "limit-exceeded",
    [
      "MARK",
      ...MEMO_TENSOR,
      repeat(2, "EMPTY_LIST", "MARK", repeat(100, ["BINGET", 0]), "APPENDS", ["BINPUT", 0]),
      "TUPLE",
    ],
    { expect: { limit: "maxNodes" }, options: { limits: { maxNodes: 5000 } } },
  ),
]

const lists = (levels: number, inside: readonly Part[] = []): readonly Part[] => [
  repeat(levels, "EMPTY_LIST"),
  ...inside,
  ...(inside.length === 0 ? [] : ["APPEND"]),
  repeat(levels - 1, "APPEND"),
]

const NESTING: readonly HostileCase[] = [
  refuseValue(
    "nesting",
    "500,000 tuples of one",
    "limit-exceeded",
    ["NONE", repeat(500_000, "TUPLE1")],
    tooDeep,
  ),
  refuseValue("nesting", "100,000 lists", "limit-exceeded", lists(100_000), tooDeep),
  refuseValue(
    "nesting",
    "100,000 lists around a tensor",
    "limit-exceeded",
    lists(100_000, tensor()),
    tooDeep,
  ),
  refuseValue(
    "nesting",
    "20,000 dicts",
    "limit-exceeded",
    [repeat(20_000, "EMPTY_DICT", int(0)), "NONE", repeat(20_000, "SETITEM")],
    tooDeep,
  ),
  refusePickle(
    "nesting",
    "20,000 dicts as the whole checkpoint, with a tensor at the bottom",
    "limit-exceeded",
    [["PROTO", 2], repeat(20_000, "EMPTY_DICT", text("a")), ...tensor(), repeat(20_000, "SETITEM"), "STOP"],
    tooDeep,
  ),
  refuseValue(
    "nesting",
    "100,000 sets",
    "limit-exceeded",
    [
      repeat(100_000, global("builtins", "set"), "EMPTY_LIST"),
      ...["NONE", repeat(100_000, "APPEND", "TUPLE1", "REDUCE")],
    ],
    tooDeep,
  ),
  refuseValue("nesting", "one level more than allowed", "limit-exceeded", lists(200), tooDeep),
  refuseValue("nesting", "four levels where three are allowed", "limit-exceeded", lists(3), {
    ...tooDeep,
    options: { limits: { maxNesting: 3 } },
  }),
]

const cycle = (name: string, value: readonly Part[]): HostileCase =>
  refuseValue("cycle", name, "pickle-cycle", value)
const SELF: readonly Part[] = [["BINGET", 0]]

const CYCLES: readonly HostileCase[] = [
  cycle("a list in itself", ["EMPTY_LIST", ["BINPUT", 0], ...SELF, "APPEND"]),
  cycle("a dict in itself", ["EMPTY_DICT", ["BINPUT", 0], text("self"), ...SELF, "SETITEM"]),
  cycle("an OrderedDict in itself", [...ORDERED_DICT, ["BINPUT", 0], text("self"), ...SELF, "SETITEM"]),
  cycle("a list in a dict in the list", [
    ...["EMPTY_LIST", ["BINPUT", 0] as const, ...dict([[text("up")], SELF]), "APPEND"],
  ]),
  cycle("a list in a tuple in the list", ["EMPTY_LIST", ["BINPUT", 0], ...SELF, "TUPLE1", "APPEND"]),
  cycle("a list in itself, beside a tensor", [
    ...["EMPTY_LIST", ["BINPUT", 0] as const, ...tensor(), "APPEND", ...SELF, "APPEND"],
  ]),
  cycle("a list that is its own set", [
    ...[
      "EMPTY_LIST",
      ["BINPUT", 0] as const,
      ...call(global("builtins", "set"), ["EMPTY_LIST", ...SELF, "APPEND"]),
      "APPEND",
    ],
  ]),
  refusePickle("cycle", "the whole checkpoint in itself", "pickle-cycle", [
    ...[["PROTO", 2] as const, "EMPTY_DICT", ["BINPUT", 0] as const, text("weight"), ...tensor(), "SETITEM"],
    ...[text("state_dict"), ...SELF, "SETITEM", "STOP"],
  ]),
  refusePickle("cycle", "two dicts in one another", "pickle-cycle", [
    ...[
      ["PROTO", 2] as const,
      "EMPTY_DICT",
      ["BINPUT", 0] as const,
      text("a"),
      "EMPTY_DICT",
      text("b"),
      ...SELF,
      "SETITEM",
    ],
    ...["SETITEM", "STOP"],
  ]),
]

const KiB = 1024
const letters = (length: number, byte = 0x61): Part => text(new Uint8Array(length).fill(byte))

/** A key in the memo, as the only key of dicts in one another around a tensor. */
const chain = (levels: number, keyBytes: number): readonly Part[] => [
  ...["EMPTY_DICT", letters(keyBytes), ["BINPUT", 0] as const],
  ...[repeat(levels - 1, "EMPTY_DICT", ["BINGET", 0]), ...tensor(), repeat(levels, "SETITEM")],
]

/** One long key, under which the same tensor has many names. */
const fan = (keyBytes: number, tensors: number, byte?: number): readonly Part[] => [
  ...["EMPTY_DICT", letters(keyBytes, byte), "EMPTY_LIST", "MARK", ...MEMO_TENSOR],
  ...[repeat(tensors - 1, ["BINGET", 0]), "APPENDS", "SETITEM"],
]

const LONG_NAMES: readonly HostileCase[] = [
  refuseValue(
    "long-names",
    "32 KiB of key on each of 2,000 levels",
    "limit-exceeded",
    chain(2000, 32 * KiB),
    tooDeep,
  ),
  refuseValue("long-names", "32 KiB of key on each of 150 levels", "limit-exceeded", chain(150, 32 * KiB), {
    expect: { limit: "maxNameBytes" },
  }),
  refusePickle(
    "long-names",
    "1 MiB and a byte",
    "limit-exceeded",
    () => stateDict([[letters(KiB * KiB + 1)], tensor()]),
    {
      expect: { limit: "maxNameBytes" },
    },
  ),
  refuseValue("long-names", "2,000 names with 64 KiB in common", "limit-exceeded", fan(64 * KiB, 2000), {
    expect: { limit: "maxTotalNameBytes" },
  }),
  refuseValue(
    "long-names",
    "85 names with 200,000 control characters in common, six times as long in JSON",
    "limit-exceeded",
    fan(200_000, 85, 1),
    { expect: { limit: "maxHeaderBytes" }, options: { shared: "copy" } },
  ),
  refusePickle(
    "long-names",
    "a name above a lower limit",
    "limit-exceeded",
    stateDict([[letters(101)], tensor()]),
    {
      expect: { limit: "maxNameBytes" },
      options: { limits: { maxNameBytes: 100 } },
    },
  ),
  refusePickle(
    "long-names",
    "a header above a lower limit",
    "limit-exceeded",
    stateDict([[letters(50)], tensor()]),
    {
      expect: { limit: "maxHeaderBytes" },
      options: { limits: { maxHeaderBytes: 100 } },
    },
  ),
]

/** A checkpoint whose pickle is deflated; sizes in both headers are `byteLength`. */
function deflatedPickle(stored: Uint8Array, byteLength: number): Uint8Array {
  const [, ...others] = checkpointMembers(new Uint8Array(0))
  const sizes = { byteLength, storedLength: stored.length, crc32: 0x12345678 }
  const pickle: MemberSpec = { name: PICKLE, method: 8, stored, local: sizes, row: sizes }
  return buildZip({ members: [pickle, ...others] })
}

const bombOf = (declared?: number): Uint8Array => {
  const { bytes, byteLength } = repeatedDeflate(0x4e, 256 * KiB * KiB)
  return deflatedPickle(bytes, declared ?? byteLength)
}

const BOMBS: readonly HostileCase[] = [
  {
    name: "pickle-bomb: 256 KiB that inflate to 256 MiB of None",
    section: "pickle-bomb",
    bytes: () => bombOf(),
    expect: { code: "limit-exceeded", limit: "maxPickleBytes", within: PICKLE },
  },
  {
    name: "pickle-bomb: 256 MiB of None that claim to be 16 MiB",
    section: "pickle-bomb",
    bytes: () => bombOf(16 * KiB * KiB),
    expect: { code: "inflate", within: PICKLE },
  },
  {
    name: "pickle-bomb: 256 MiB of None that claim to be one byte",
    section: "pickle-bomb",
    bytes: () => bombOf(1),
    expect: { code: "inflate", within: PICKLE },
  },
  refuseValue("pickle-bomb", "a pickle above a lower limit", "limit-exceeded", [letters(2000)], {
    expect: { limit: "maxPickleBytes" },
    options: { limits: { maxPickleBytes: 2000 } },
  }),
  refuseValue(
    "pickle-bomb",
    "more opcodes than a lower limit",
    "limit-exceeded",
    ["MARK", repeat(1000, "NONE"), "TUPLE"],
    {
      expect: { limit: "maxOpcodes" },
      options: { limits: { maxOpcodes: 1000 } },
    },
  ),
  refuseValue(
    "pickle-bomb",
    "one text of 1 MiB, encoded 70 times",
    "limit-exceeded",
    [
      ...["MARK", letters(KiB * KiB), ["BINPUT", 0] as const],
      repeat(70, global("_codecs", "encode"), ["BINGET", 0], text("latin1"), "TUPLE2", "REDUCE"),
      "TUPLE",
    ],
    { expect: { limit: "maxPickleBytes" } },
  ),
  refuseValue(
    "pickle-bomb",
    "one list of 100,000, made a set 60 times",
    "limit-exceeded",
    [
      ...["MARK", "EMPTY_LIST", "MARK", repeat(100_000, "NONE"), "APPENDS", ["BINPUT", 0] as const],
      repeat(60, global("builtins", "set"), ["BINGET", 0], "TUPLE1", "REDUCE"),
      "TUPLE",
    ],
    { expect: { limit: "maxNodes" } },
  ),
]

const ENGINE: readonly HostileCase[] = [
  refusePickle(
    "engine",
    "a shape of 200,000 dimensions",
    "limit-exceeded",
    stateDict([[text("weight")], tensor({ size: ["MARK", repeat(200_000, int(1)), "TUPLE"] })]),
    { expect: { limit: "maxRank" } },
  ),
  refusePickle("engine", "a call with 200,000 arguments", "tensor-argument", [
    ...stateDict([
      [text("weight")],
      [
        global("torch._utils", "_rebuild_tensor_v2"),
        "MARK",
        repeat(200_000, "NONE"),
        "TUPLE",
        HERE,
        "REDUCE",
      ],
    ]),
  ]),
  refusePickle("engine", "a persistent id of 200,000 fields", "storage-reference", [
    ...beside(["MARK", text("storage"), repeat(200_000, "NONE"), "TUPLE", HERE, "BINPERSID"]),
  ]),
  refusePickle("engine", "200,001 values left over", "pickle-stack", [
    ["PROTO", 2],
    repeat(200_001, "NONE"),
    HERE,
    "STOP",
  ]),
  refusePickle("engine", "SETITEMS of 400,001", "pickle-stack", [
    ...[["PROTO", 2] as const, "EMPTY_DICT", "MARK", repeat(400_001, "NONE"), HERE, "SETITEMS", "STOP"],
  ]),
]

/** Every case of this file. */
export const PICKLE_GROWTH: readonly HostileCase[] = [
  ...SHARED,
  ...NESTING,
  ...CYCLES,
  ...LONG_NAMES,
  ...BOMBS,
  ...ENGINE,
]
