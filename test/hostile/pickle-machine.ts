/** The machine's stack, memo and types, abused opcode by opcode. */

import type { ErrorCode } from "../../src/index.ts"
import { hex, latin1, type Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  dict,
  global,
  HERE,
  int,
  ints,
  ORDERED_DICT,
  refusePickle,
  refuseValue,
  storage,
  tensor,
  text,
  tuple,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

const NONE: readonly Part[] = ["NONE"]
const LIST: readonly Part[] = ["EMPTY_LIST"]
const DICT: readonly Part[] = ["EMPTY_DICT"]
const TUPLE: readonly Part[] = ["EMPTY_TUPLE"]
const COUNTER: readonly Part[] = [global("collections", "Counter"), "EMPTY_TUPLE", "REDUCE"]
const BYTES: readonly Part[] = [global("__builtin__", "bytes"), "EMPTY_TUPLE", "REDUCE"]

const TARGETS: readonly (readonly [name: string, value: readonly Part[]])[] = [
  ["a tensor", tensor()],
  ["a storage", storage()],
  ["text", [text("x")]],
  ["None", NONE],
  ["a tuple", TUPLE],
  ["bytes", BYTES],
]

const SETITEM: readonly Part[] = [int(0), "NONE", HERE, "SETITEM"]
const APPEND: readonly Part[] = ["NONE", HERE, "APPEND"]

const wrongTarget = (name: string, value: readonly Part[]): HostileCase =>
  refuseValue("wrong-target", name, "pickle-type", value)

const WRONG_TARGETS: readonly HostileCase[] = [
  ...TARGETS.map(([name, value]) => wrongTarget(`SETITEM on ${name}`, [...value, ...SETITEM])),
  ...TARGETS.map(([name, value]) => wrongTarget(`APPEND on ${name}`, [...value, ...APPEND])),
  wrongTarget("SETITEM on a list, as Python allows", [...LIST, ...SETITEM]),
  wrongTarget("SETITEMS on a list", [...LIST, "MARK", text("__proto__"), "EMPTY_DICT", HERE, "SETITEMS"]),
  wrongTarget("SETITEM on a class", [global("torch", "Tensor"), text("__class__"), "NONE", HERE, "SETITEM"]),
  wrongTarget("APPEND on a dict", [...DICT, ...APPEND]),
  wrongTarget("APPENDS on an OrderedDict", [...ORDERED_DICT, "MARK", "NONE", HERE, "APPENDS"]),
  wrongTarget("APPENDS on a tensor, in a loop of GPU memory", [
    ...tensor(),
    "MARK",
    ...tensor(),
    HERE,
    "APPENDS",
  ]),
  ...(
    [
      ["a list", LIST],
      ["a frozenset", ["MARK", "FROZENSET"]],
    ] as const
  ).map(([name, value]) => {
    const [, ...rest] = beside([...value, "MARK", "NONE", HERE, "ADDITEMS"])
    return refusePickle("wrong-target", `ADDITEMS on ${name}`, "pickle-type", [["PROTO", 4], ...rest])
  }),
]

const STATE = dict([[text("_metadata")], NONE])

const BUILDS: readonly HostileCase[] = [
  ...(
    [
      ["a dict", DICT],
      ["a list", LIST],
      ["a Counter", COUNTER],
      ["a tensor, as set_() of old files", tensor()],
      ["a storage", storage()],
      ["a class", [global("torch.nn.parameter", "Parameter")]],
      ["a function", [global("torch._utils", "_rebuild_tensor_v2")]],
      ["None", NONE],
    ] as const
  ).map(([name, value]) =>
    refuseValue("build", `on ${name}`, "pickle-type", [...value, ...STATE, HERE, "BUILD"]),
  ),
  ...(
    [
      ["None", NONE],
      ["a list", LIST],
      ["a pair of dicts, the second for slots", tuple(STATE, dict([[text("__setstate__")], NONE]))],
      ["a tensor", tensor()],
    ] as const
  ).map(([name, state]) =>
    refuseValue("build", `an OrderedDict from ${name}`, "pickle-type", [
      ...ORDERED_DICT,
      ...state,
      HERE,
      "BUILD",
    ]),
  ),
]

const CALLEES: readonly (readonly [name: string, value: readonly Part[]])[] = [
  ["text", [text("os.system")]],
  ["a dict", DICT],
  ["the result of a call", ORDERED_DICT],
  ["a tensor", tensor()],
  ["an int", [int(1)]],
  ["a storage", storage()],
]

const OPERANDS: readonly HostileCase[] = [
  ...CALLEES.map(([name, value]) =>
    refuseValue("operand", `REDUCE of ${name}`, "pickle-type", [...value, "EMPTY_TUPLE", HERE, "REDUCE"]),
  ),
  refuseValue("operand", "NEWOBJ of text", "pickle-type", [
    text("OrderedDict"),
    "EMPTY_TUPLE",
    HERE,
    "NEWOBJ",
  ]),
  refuseValue("operand", "NEWOBJ of a rebuild function", "pickle-type", [
    ...[global("torch._utils", "_rebuild_tensor_v2"), ...ints(1), HERE, "NEWOBJ"],
  ]),
  ...(
    [
      ["a list", LIST],
      ["a dict", DICT],
      ["None", NONE],
      ["text", [text("x")]],
    ] as const
  ).map(([name, args]) =>
    refuseValue("operand", `REDUCE with ${name} as arguments`, "pickle-type", [
      ...[global("collections", "OrderedDict"), ...args, HERE, "REDUCE"],
    ]),
  ),
  ...(
    [
      ["text", [text("storage")]],
      ["an int", [int(0)]],
      ["None", NONE],
      ["a dict", DICT],
      ["a tensor", tensor()],
      ["a storage", storage()],
    ] as const
  ).map(([name, id]) =>
    refuseValue("operand", `BINPERSID of ${name}`, "storage-reference", [...id, HERE, "BINPERSID"]),
  ),
]

const whole = (section: SectionId, name: string, code: ErrorCode, ...parts: readonly Part[]): HostileCase =>
  refusePickle(section, name, code, [["PROTO", 2], ...parts])

const STACKS: readonly HostileCase[] = [
  whole("stack", "STOP on nothing", "pickle-stack", HERE, "STOP"),
  whole("stack", "APPEND on nothing", "pickle-stack", HERE, "APPEND", "STOP"),
  whole("stack", "APPEND with a value alone", "pickle-stack", "NONE", HERE, "APPEND", "STOP"),
  whole("stack", "SETITEM with a key alone", "pickle-stack", "EMPTY_DICT", "NONE", HERE, "SETITEM", "STOP"),
  whole("stack", "TUPLE1 of nothing", "pickle-stack", HERE, "TUPLE1", "STOP"),
  whole("stack", "TUPLE2 of one", "pickle-stack", "NONE", HERE, "TUPLE2", "STOP"),
  whole("stack", "TUPLE3 of two", "pickle-stack", "NONE", "NONE", HERE, "TUPLE3", "STOP"),
  whole(
    "stack",
    "REDUCE without arguments",
    "pickle-stack",
    global("collections", "OrderedDict"),
    HERE,
    "REDUCE",
    "STOP",
  ),
  whole("stack", "BUILD without state", "pickle-stack", ...ORDERED_DICT, HERE, "BUILD", "STOP"),
  whole("stack", "BINPERSID of nothing", "pickle-stack", HERE, "BINPERSID", "STOP"),
  whole("stack", "TUPLE without MARK", "pickle-stack", "NONE", HERE, "TUPLE", "STOP"),
  whole("stack", "APPENDS without MARK", "pickle-stack", "EMPTY_LIST", "NONE", HERE, "APPENDS", "STOP"),
  whole("stack", "SETITEMS without MARK", "pickle-stack", "EMPTY_DICT", HERE, "SETITEMS", "STOP"),
  whole(
    "stack",
    "SETITEMS with nothing below",
    "pickle-stack",
    "MARK",
    int(1),
    int(2),
    HERE,
    "SETITEMS",
    "STOP",
  ),
  whole(
    "stack",
    "SETITEMS with an odd count",
    "pickle-stack",
    "EMPTY_DICT",
    "MARK",
    int(1),
    HERE,
    "SETITEMS",
    "STOP",
  ),
  whole(
    "stack",
    "APPEND across a MARK",
    "pickle-stack",
    "EMPTY_LIST",
    "MARK",
    "NONE",
    HERE,
    "APPEND",
    "STOP",
  ),
  whole(
    "stack",
    "TUPLE2 across a MARK",
    "pickle-stack",
    "NONE",
    "MARK",
    "NONE",
    HERE,
    "TUPLE2",
    "TUPLE",
    "STOP",
  ),
  whole("stack", "two values at STOP", "pickle-stack", "NONE", ...tensor(), HERE, "STOP"),
  whole("stack", "an open MARK at STOP", "pickle-stack", ...tensor(), "MARK", HERE, "STOP"),
  whole("stack", "a MARK below the value at STOP", "pickle-stack", "MARK", ...tensor(), HERE, "STOP"),
  whole("stack", "500,000 open MARKs", "pickle-stack", new Uint8Array(500_000).fill(0x28), HERE, "STOP"),
  refusePickle("stack", "FROZENSET without MARK", "pickle-stack", [["PROTO", 4], HERE, "FROZENSET", "STOP"]),
]

const GOOD = beside(NONE)

const AFTER_STOP: readonly HostileCase[] = (
  [
    ["one byte", [hex("00")]],
    ["a line feed", [latin1("\n")]],
    ["a second STOP", ["STOP"]],
    ["64 zeros, as padding", [new Uint8Array(64)]],
    ["a second pickle without harm", [["PROTO", 2], "NONE", "STOP"]],
    ["a second checkpoint", GOOD],
  ] as const
).map(([name, more]) => refusePickle("after-stop", name, "pickle-trailing", [...GOOD, HERE, ...more]))

const [, ...BODY] = GOOD

const PROTOCOLS: readonly HostileCase[] = [
  ...[0, 1, 6, 255].map((protocol) =>
    refusePickle("protocol", `PROTO ${protocol}`, "pickle-protocol", [HERE, ["PROTO", protocol], ...BODY]),
  ),
  refusePickle("protocol", "no PROTO", "pickle-protocol", [HERE, ...BODY]),
  refusePickle("protocol", "PROTO twice", "pickle-protocol", [["PROTO", 2], HERE, ["PROTO", 2], ...BODY]),
  refuseValue("protocol", "PROTO in the middle", "pickle-protocol", [HERE, ["PROTO", 4], "NONE"]),
  refusePickle("protocol", "PROTO second", "pickle-protocol", [HERE, "NONE", ["PROTO", 2], "STOP"]),
  refusePickle("protocol", "PROTO cut off", "pickle-truncated", [HERE, hex("80")]),
  refusePickle("protocol", "an empty pickle", "pickle-truncated", [HERE]),
  refusePickle("protocol", "PROTO alone", "pickle-truncated", [["PROTO", 2], HERE]),
]

const MEMO: readonly HostileCase[] = [
  refuseValue("memo", "BINGET of an entry that is not there", "pickle-memo", [HERE, ["BINGET", 0]]),
  refuseValue("memo", "BINGET of an entry that comes later", "pickle-memo", [
    ...["EMPTY_LIST", HERE, ["BINGET", 7] as const, "APPEND", ["BINPUT", 7] as const],
  ]),
  refuseValue("memo", "LONG_BINGET of 256, where 0 is there", "pickle-memo", [
    ...["NONE", ["BINPUT", 0] as const, HERE, ["LONG_BINGET", 256] as const, "TUPLE2"],
  ]),
  refuseValue("memo", "LONG_BINGET of 2^32 - 1", "pickle-memo", [HERE, ["LONG_BINGET", 2 ** 32 - 1]]),
  refuseValue("memo", "GET of __proto__", "pickle-opcode", [HERE, ["GET", "__proto__"]]),
  refuseValue("memo", "PUT of -1", "pickle-opcode", ["NONE", HERE, ["PUT", "-1"]]),
  whole("memo", "BINPUT of nothing", "pickle-stack", HERE, ["BINPUT", 0], "NONE", "STOP"),
  refuseValue("memo", "BINPUT of a MARK", "pickle-stack", ["MARK", HERE, ["BINPUT", 0], "TUPLE"]),
  refusePickle("memo", "MEMOIZE of nothing", "pickle-stack", [["PROTO", 4], HERE, "MEMOIZE", "NONE", "STOP"]),
  refuseValue(
    "memo",
    "more entries than allowed",
    "limit-exceeded",
    ["NONE", ...Array.from({ length: 101 }, (_, i): Part => ["LONG_BINPUT", i * 1000])],
    { expect: { limit: "maxMemoEntries" }, options: { limits: { maxMemoEntries: 100 } } },
  ),
]

/** Every case of this file. */
export const PICKLE_MACHINE: readonly HostileCase[] = [
  ...WRONG_TARGETS,
  ...BUILDS,
  ...OPERANDS,
  ...STACKS,
  ...AFTER_STOP,
  ...PROTOCOLS,
  ...MEMO,
]
