/** What is on the list of globals, called in ways that torch never does; and the opcodes that are refused as such. */

import { hex, latin1, type Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  badCall,
  beside,
  call,
  dict,
  global,
  HERE,
  int,
  ints,
  ORDERED_DICT,
  refusePickle,
  refuseValue,
  tensor,
  tensorArguments,
  text,
  tuple,
} from "./checkpoint-parts.ts"

const SYSTEM = global("os", "system")
const HUGE = [int(2n ** 40n)]

const allocator = (name: string, value: readonly Part[]): HostileCase =>
  refuseValue("allocator", name, "pickle-type", value)

const ALLOCATORS: readonly HostileCase[] = [
  allocator("bytearray(2^40)", badCall(global("builtins", "bytearray"), HUGE)),
  allocator("bytes(2^40) of Python 2", badCall(global("__builtin__", "bytes"), HUGE)),
  allocator("UntypedStorage(2^40)", badCall(global("torch.storage", "UntypedStorage"), HUGE)),
  allocator(
    "FloatStorage(1024), uninitialised memory",
    badCall(global("torch", "FloatStorage"), [int(1024)]),
  ),
  allocator("FloatStorage by NEWOBJ", [global("torch", "FloatStorage"), ...tuple(HUGE), HERE, "NEWOBJ"]),
  allocator("a storage of a GPU", badCall(global("torch.cuda", "FloatStorage"), HUGE)),
  allocator("torch.Tensor(2^40)", badCall(global("torch", "Tensor"), HUGE)),
  allocator("Parameter(2^40)", badCall(global("torch.nn.parameter", "Parameter"), HUGE)),
  allocator("TypedStorage(2^40)", badCall(global("torch.storage", "TypedStorage"), HUGE)),
  allocator("a dtype called", badCall(global("torch", "float32"), HUGE)),
  allocator("Size(2^40)", badCall(global("torch", "Size"), HUGE)),
  allocator("bytes by NEWOBJ", [global("builtins", "bytes"), ...tuple(HUGE), HERE, "NEWOBJ"]),
  refuseValue("allocator", "FloatTensor(1024)", "global-not-allowed", [
    ...[HERE, ...call(global("torch", "FloatTensor"), [int(1024)])],
  ]),
]

const FROM_TYPE = global("torch._tensor", "_rebuild_from_type_v2")
const TENSOR_CLASS = [global("torch", "Tensor")]
const REBUILD = [global("torch._utils", "_rebuild_tensor_v2")]

interface FromTypeParts {
  readonly func?: readonly Part[]
  readonly type?: readonly Part[]
  readonly args?: readonly Part[]
  readonly state?: readonly Part[]
}

const fromType = (
  name: string,
  {
    func = REBUILD,
    type = TENSOR_CLASS,
    args = tensorArguments(),
    state = ["NONE"] as readonly Part[],
  }: FromTypeParts,
): HostileCase =>
  refuseValue("from-type", name, "tensor-argument", badCall(FROM_TYPE, func, type, args, state))

const FROM_TYPES: readonly HostileCase[] = [
  fromType("OrderedDict as function", {
    func: [global("collections", "OrderedDict")],
    args: ["EMPTY_TUPLE"],
  }),
  fromType("bytearray as function", { func: [global("builtins", "bytearray")], args: tuple(HUGE) }),
  fromType("a storage class as function", { func: [global("torch", "FloatStorage")], args: tuple(HUGE) }),
  fromType("itself as function", {
    func: [FROM_TYPE],
    args: tuple(REBUILD, TENSOR_CLASS, tensorArguments(), ["NONE"]),
  }),
  fromType("text as function", { func: [text("_rebuild_tensor_v2")] }),
  fromType("a tensor as function", { func: tensor() }),
  fromType("OrderedDict as type", { type: [global("collections", "OrderedDict")] }),
  fromType("a dtype as type", { type: [global("torch", "float32")] }),
  fromType("text as type", { type: [text("Tensor")] }),
  fromType("a list of arguments", { args: ["EMPTY_LIST"] }),
  fromType("the arguments of another function", { args: tuple([int(1)]) }),
  refuseValue(
    "from-type",
    "three arguments",
    "tensor-argument",
    badCall(FROM_TYPE, REBUILD, TENSOR_CLASS, tensorArguments()),
  ),
  refuseValue(
    "from-type",
    "five arguments",
    "tensor-argument",
    badCall(FROM_TYPE, REBUILD, TENSOR_CLASS, tensorArguments(), ["NONE"], ["NONE"]),
  ),
  refuseValue(
    "from-type",
    "os.system as function",
    "global-not-allowed",
    call(FROM_TYPE, [HERE, SYSTEM], TENSOR_CLASS, tuple([text("id")]), ["NONE"]),
    { expect: { globals: ["os.system"] } },
  ),
  refuseValue(
    "from-type",
    "code in the state that is dropped",
    "global-not-allowed",
    call(FROM_TYPE, REBUILD, TENSOR_CLASS, tensorArguments(), dict([[text("__class__")], [HERE, SYSTEM]])),
    { expect: { globals: ["os.system"] } },
  ),
]

const ENCODE = global("_codecs", "encode")
const COLLECTIONS = (name: string): Part => global("collections", name)
const BUILTIN = (name: string): Part => global("__builtin__", name)

const PLAIN: readonly HostileCase[] = (
  [
    ["encode as ROT13", ENCODE, [text("uryyb")], [text("rot13")]],
    ["encode as UTF-8", ENCODE, [text("x")], [text("utf-8")]],
    ["encode as zip", ENCODE, [text("x")], [text("zip")]],
    ["encode with LATIN1 in capitals", ENCODE, [text("x")], [text("LATIN1")]],
    ["encode with a way to handle errors", ENCODE, [text("x")], [text("latin1")], [text("ignore")]],
    ["encode without a codec", ENCODE, [text("x")]],
    ["encode text above U+00FF", ENCODE, [text("Ā")], [text("latin1")]],
    ["encode a number", ENCODE, HUGE, [text("latin1")]],
    ["bytearray as UTF-16", BUILTIN("bytearray"), [text("x")], [text("utf-16")]],
    ["a Counter of a list", COLLECTIONS("Counter"), ["EMPTY_LIST"]],
    ["a Counter of text", COLLECTIONS("Counter"), [text("abc")]],
    ["a defaultdict of a rebuild function", COLLECTIONS("defaultdict"), REBUILD],
    ["a defaultdict of a tensor", COLLECTIONS("defaultdict"), tensor()],
    ["an OrderedDict of a dict", COLLECTIONS("OrderedDict"), ["EMPTY_DICT"]],
    ["an OrderedDict of single values", COLLECTIONS("OrderedDict"), ["EMPTY_LIST", int(1), "APPEND"]],
    ["an OrderedDict of triples", COLLECTIONS("OrderedDict"), ["EMPTY_LIST", ...ints(1, 2, 3), "APPEND"]],
    ["a set of a number", BUILTIN("set"), HUGE],
    ["a frozenset of text", BUILTIN("frozenset"), [text("abc")]],
    ["a complex number of text", BUILTIN("complex"), [text("1+1j")]],
    ["a complex number of a container", BUILTIN("complex"), ["EMPTY_LIST"], ["EMPTY_LIST"]],
    ["a device of a number", global("torch", "device"), HUGE],
    ["a layout of a number", global("torch.serialization", "_get_layout"), HUGE],
    ["a constant called", BUILTIN("dict"), ["EMPTY_LIST"]],
  ] as const
).map(([name, callable, ...args]) =>
  refuseValue("plain-callable", name, "pickle-type", badCall(callable, ...args)),
)

/** One refused opcode each, with the operands that Python would want. */
const REFUSED: readonly (readonly [name: string, before: readonly Part[], bad: Part])[] = [
  ["INT", [], ["INT", "1"]],
  ["INT as a bool", [], ["INT", "01"]],
  ["LONG", [], ["LONG", "1L"]],
  ["FLOAT", [], ["FLOAT", "1.5"]],
  ["STRING", [], ["STRING", "'text'"]],
  ["UNICODE", [], ["UNICODE", "text"]],
  ["GET", [["BINPUT", 0]], ["GET", "0"]],
  ["PUT", ["NONE"], ["PUT", "0"]],
  ["LIST", ["MARK", "NONE"], "LIST"],
  ["DICT", ["MARK"], "DICT"],
  ["POP", ["NONE"], "POP"],
  ["POP_MARK", ["MARK", "NONE"], "POP_MARK"],
  ["DUP", ["NONE"], "DUP"],
  ["PERSID", [], ["PERSID", "0"]],
  ["EXT1", [], ["EXT1", 1]],
  ["EXT2", [], ["EXT2", 256]],
  ["EXT4", [], ["EXT4", 65_536]],
  ["INST of an allowed class", ["MARK"], ["INST", "collections", "OrderedDict"]],
  ["OBJ of an allowed class", ["MARK", global("collections", "OrderedDict")], "OBJ"],
]

const OPCODES: readonly HostileCase[] = [
  ...REFUSED.map(([name, before, bad]) =>
    refuseValue("opcode-refused", name, "pickle-opcode", [...before, HERE, bad]),
  ),
  ...(
    [
      ["NEXT_BUFFER", [], "NEXT_BUFFER"],
      ["READONLY_BUFFER", [["BYTEARRAY8", "x"]], "READONLY_BUFFER"],
      [
        "NEWOBJ_EX of an allowed class",
        [global("collections", "OrderedDict"), "EMPTY_TUPLE", "EMPTY_DICT"],
        "NEWOBJ_EX",
      ],
    ] as const
  ).map(([name, before, bad]) =>
    refusePickle("opcode-refused", name, "pickle-opcode", [["PROTO", 5], ...before, HERE, bad, "STOP"]),
  ),
  ...["00", "99", "d0", "ff"].map((byte) =>
    refuseValue("opcode-refused", `the byte 0x${byte}`, "pickle-opcode", [HERE, hex(byte)]),
  ),
  refusePickle("opcode-refused", "protocol 0 from the first byte", "pickle-protocol", [
    HERE,
    latin1("(dp0\n."),
  ]),
]

/** The first protocol that has each of these is above the declared one. */
const NEWER: readonly (readonly [protocol: number, name: string, before: readonly Part[], bad: Part])[] = [
  [2, "BINBYTES of 3", [], ["BINBYTES", "x"]],
  [2, "SHORT_BINBYTES of 3", [], ["SHORT_BINBYTES", "x"]],
  [2, "SHORT_BINUNICODE of 4", [], ["SHORT_BINUNICODE", "x"]],
  [2, "MEMOIZE of 4", ["NONE"], "MEMOIZE"],
  [2, "EMPTY_SET of 4", [], "EMPTY_SET"],
  [3, "STACK_GLOBAL of 4", [text("collections"), text("OrderedDict")], "STACK_GLOBAL"],
  [3, "FRAME of 4", [], ["FRAME", 2]],
  [3, "BINUNICODE8 of 4", [], ["BINUNICODE8", "x"]],
  [4, "BYTEARRAY8 of 5", [], ["BYTEARRAY8", "x"]],
]

const PROTOCOLS: readonly HostileCase[] = NEWER.map(([protocol, name, before, bad]) => {
  const [, ...rest] = beside([...before, HERE, bad])
  return refusePickle("opcode-protocol", `${name} in protocol ${protocol}`, "pickle-opcode", [
    ...[["PROTO", protocol] as const, ...rest],
  ])
})

/** Every case of this file. */
export const PICKLE_CALLABLES: readonly HostileCase[] = [
  ...ALLOCATORS,
  ...FROM_TYPES,
  ...PLAIN,
  ...OPCODES,
  ...PROTOCOLS,
  refuseValue("plain-callable", "an OrderedDict by NEWOBJ with arguments", "pickle-type", [
    ...[COLLECTIONS("OrderedDict"), ...tuple(["EMPTY_LIST"]), HERE, "NEWOBJ"],
  ]),
  refuseValue("plain-callable", "a Counter by NEWOBJ", "pickle-type", [
    ...[COLLECTIONS("Counter"), "EMPTY_TUPLE", HERE, "NEWOBJ"],
  ]),
  refuseValue("plain-callable", "a set updated with a dict", "pickle-type", [
    ...badCall(BUILTIN("set"), ORDERED_DICT),
  ]),
]
