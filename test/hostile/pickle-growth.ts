/** Small pickles that ask for much: sharing, nesting and cycles. */

import { type Part, repeat } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  call,
  dict,
  global,
  int,
  ORDERED_DICT,
  refusePickle,
  refuseValue,
  tensor,
  text,
} from "./checkpoint-parts.ts"

export const MEMO_TENSOR: readonly Part[] = [...tensor(), ["BINPUT", 0]]

const LIST_OF_TWO: readonly Part[] = ["EMPTY_LIST", "MARK", ["BINGET", 0], ["BINGET", 0], "APPENDS"]
const TUPLE_OF_TWO: readonly Part[] = [["BINGET", 0], ["BINGET", 0], "TUPLE2"]
const DICT_OF_TWO = dict([[text("a")], [["BINGET", 0]]], [[text("b")], [["BINGET", 0]]])

const tooMany = { expect: { limit: "maxTensors" } } as const
export const tooDeep = { expect: { limit: "maxNesting" } } as const

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
    "100,000 frozensets",
    "limit-exceeded",
    [
      repeat(100_000, global("builtins", "frozenset"), "EMPTY_LIST"),
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
  refuseValue("cycle", "a dict whose key holds the dict", "pickle-type", [
    ...["EMPTY_DICT", ["BINPUT", 0] as const, ...SELF, "TUPLE1", "NONE", "SETITEM"],
  ]),
  refuseValue("cycle", "a list that is its own set", "pickle-type", [
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

/** Every case of this file. */
export const PICKLE_GROWTH: readonly HostileCase[] = [...SHARED, ...NESTING, ...CYCLES]
