/** Odd pickles that torch.save can write, or that mean only one thing: all of them convert. */

import { assemble, latin1, type Part } from "../pickle/assemble.ts"
import type { ExpectedTensor, LegalCase } from "./case.ts"
import {
  acceptPickle,
  acceptValue,
  beside,
  global,
  ints,
  stateDict,
  storage,
  tensor,
  tensorArguments,
  text,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"

const [, ...BODY] = beside(["NONE"])

/** `{"weight": …}` as protocol 4 writes it: STACK_GLOBAL, SHORT_BINUNICODE and MEMOIZE. */
const short = (value: string): Part => ["SHORT_BINUNICODE", value]
const stackGlobal = (module: string, name: string): readonly Part[] => [
  ...[short(module), "MEMOIZE", short(name), "MEMOIZE", "STACK_GLOBAL", "MEMOIZE"],
]
const MODERN: readonly Part[] = [
  ...["EMPTY_DICT", "MEMOIZE", short("weight"), "MEMOIZE"],
  ...[...stackGlobal("torch._utils", "_rebuild_tensor_v2"), "MARK", "MARK", short("storage")],
  ...[
    ...stackGlobal("torch", "FloatStorage"),
    short("0"),
    short("cpu"),
    ["BININT1", 4] as const,
    "TUPLE",
    "BINPERSID",
  ],
  ...[
    ["BININT1", 0] as const,
    ["BININT1", 4] as const,
    "TUPLE1",
    ["BININT1", 1] as const,
    "TUPLE1",
    "NEWFALSE",
  ],
  ...[
    ...stackGlobal("collections", "OrderedDict"),
    "EMPTY_TUPLE",
    "REDUCE",
    "TUPLE",
    "REDUCE",
    "SETITEM",
    "STOP",
  ],
]
const framed = (protocol: number): readonly Part[] => [
  ["PROTO", protocol],
  ["FRAME", assemble(...MODERN).length],
  ...MODERN,
]

const PROTOCOLS: readonly LegalCase[] = [
  ...[3, 4, 5].map((protocol) =>
    acceptPickle("protocol", `protocol ${protocol}, written as protocol 2 is`, [
      ["PROTO", protocol],
      ...BODY,
    ]),
  ),
  acceptPickle("protocol", "protocol 4 in one frame", framed(4)),
  acceptPickle("protocol", "protocol 5 in one frame", framed(5)),
  acceptPickle("length", "three frames", [
    ...[["PROTO", 4] as const, ["FRAME", 1] as const, "EMPTY_DICT"],
    ...[["FRAME", assemble(text("weight")).length] as const, text("weight")],
    ...[["FRAME", assemble(...tensor(), "SETITEM", "STOP").length] as const, ...tensor(), "SETITEM", "STOP"],
  ]),
  acceptPickle("length", "a frame of nothing, and opcodes outside of frames", [
    ...[["PROTO", 4] as const, ["FRAME", 0] as const, ...BODY.slice(0, -1), ["FRAME", 1] as const, "STOP"],
  ]),
  acceptPickle("length", "a name by BINUNICODE8", [
    ...[
      ["PROTO", 4] as const,
      "EMPTY_DICT",
      ["BINUNICODE8", "weight"] as const,
      ...tensor(),
      "SETITEM",
      "STOP",
    ],
  ]),
  acceptPickle(
    "utf8",
    "names by BINSTRING and SHORT_BINSTRING of Python 2",
    [
      ...[["PROTO", 2] as const, "EMPTY_DICT", ["BINSTRING", "weight"] as const, ...tensor(), "SETITEM"],
      ...[["SHORT_BINSTRING", "two"] as const, ...tensor({ size: ints(2) }), "SETITEM", "STOP"],
    ],
    { tensors: [weight(), { ...weight("two"), shape: [2], bytes: WEIGHT.subarray(0, 8) }] },
  ),
]

const MEMO: readonly LegalCase[] = [
  acceptValue("memo", "entry 2^32 - 1", [
    "EMPTY_LIST",
    ["LONG_BINPUT", 2 ** 32 - 1],
    ["LONG_BINGET", 2 ** 32 - 1],
    "TUPLE2",
  ]),
  acceptValue("memo", "an entry stored twice", [
    "NONE",
    ["BINPUT", 3],
    "EMPTY_LIST",
    ["BINPUT", 3],
    ["BINGET", 3],
    "TUPLE3",
  ]),
  acceptValue("memo", "an entry stored by one opcode and recalled by the other", [
    "NONE",
    ["BINPUT", 255],
    ["LONG_BINGET", 255],
    "TUPLE2",
  ]),
  acceptPickle("memo", "the tensor's own arguments recalled", [
    ...[["PROTO", 2] as const, "EMPTY_DICT", text("weight"), global("torch._utils", "_rebuild_tensor_v2")],
    ...[
      ...tensorArguments(),
      ["BINPUT", 7] as const,
      "REDUCE",
      "SETITEM",
      text("extra"),
      ["BINGET", 7] as const,
      "SETITEM",
      "STOP",
    ],
  ]),
]

export const halves = (name: string, count: number): ExpectedTensor => ({
  name,
  dtype: "F32",
  shape: [count],
  bytes: WEIGHT.subarray(0, 4 * count),
})

/** Every case of this file. */
export const ODD_LEGAL_VALUES: readonly LegalCase[] = [
  ...PROTOCOLS,
  ...MEMO,
  acceptPickle("stack", "a tensor alone", [["PROTO", 2], ...tensor(), "STOP"], {
    tensors: [weight("tensor")],
  }),
  acceptPickle(
    "stack",
    "a tuple of tensors",
    [["PROTO", 2], ...tensor(), ...tensor({ size: ints(2) }), "TUPLE2", "STOP"],
    {
      tensors: [weight("0"), halves("1", 2)],
    },
  ),
  acceptPickle(
    "persistent-id",
    "a location that nothing knows",
    stateDict([
      [text("weight")],
      tensor({ storage: storage({ location: [latin1("X\x06\0\0\0\x1b[2Jxx")] }) }),
    ]),
  ),
]
