/** Names that add up, pickles that inflate, and lists that JavaScript engines fail on. */

import { buildZip, type MemberSpec } from "../archive/zip-builder.ts"
import { type Part, repeat } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  checkpointMembers,
  global,
  HERE,
  int,
  PICKLE,
  refusePickle,
  refuseValue,
  stateDict,
  tensor,
  text,
} from "./checkpoint-parts.ts"
import { MEMO_TENSOR, tooDeep } from "./pickle-growth.ts"
import { repeatedDeflate } from "./repeated-deflate.ts"

const KiB = 1024

/** So that the bound on memory does not come before the one that a case is about. */
const AMPLE_MEMORY = { limits: { memoryFloorBytes: 2 ** 40 } } as const
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
    options: AMPLE_MEMORY,
  }),
  refuseValue(
    "long-names",
    "the same with the memory that is usual",
    "limit-exceeded",
    chain(150, 32 * KiB),
    {
      expect: { limit: "memoryFloorBytes" },
    },
  ),
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
    options: AMPLE_MEMORY,
  }),
  refuseValue(
    "long-names",
    "85 names with 200,000 control characters in common, six times as long in JSON",
    "limit-exceeded",
    fan(200_000, 85, 1),
    { expect: { limit: "maxHeaderBytes" }, options: { ...AMPLE_MEMORY, shared: "copy" } },
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
    expect: { code: "limit-exceeded", limit: "pickleRatio", within: PICKLE },
  },
  {
    name: "pickle-bomb: 256 MiB of None that claim to be 8 MiB",
    section: "pickle-bomb",
    bytes: () => bombOf(8 * KiB * KiB),
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
    { expect: { limit: "maxNodes" }, options: { limits: { maxNodes: 1_000_000, ...AMPLE_MEMORY.limits } } },
  ),
  refuseValue(
    "pickle-bomb",
    "one list of 100,000, made a set 70 times",
    "limit-exceeded",
    [
      ...["MARK", "EMPTY_LIST", "MARK", repeat(100_000, "NONE"), "APPENDS", ["BINPUT", 0] as const],
      repeat(70, global("builtins", "set"), ["BINGET", 0], "TUPLE1", "REDUCE"),
      "TUPLE",
    ],
    { expect: { limit: "memoryFloorBytes" } },
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
export const PICKLE_BOMBS: readonly HostileCase[] = [...LONG_NAMES, ...BOMBS, ...ENGINE]
