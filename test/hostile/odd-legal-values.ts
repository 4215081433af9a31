/** Odd pickles and odd names that torch.save can write, or that mean only one thing: all of them convert. */

import { assemble, hex, latin1, littleEndian, type Part, repeat } from "../pickle/assemble.ts"
import type { ExpectedTensor, LegalCase } from "./case.ts"
import {
  acceptPickle,
  acceptValue,
  beside,
  call,
  dict,
  global,
  int,
  ints,
  ORDERED_DICT,
  stateDict,
  storage,
  tensor,
  tensorArguments,
  text,
  tuple,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

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

const plain = (section: SectionId, name: string, value: readonly Part[]): LegalCase =>
  acceptValue(section, name, value)
const LISTS_OF_TWO: readonly Part[] = [
  "EMPTY_LIST",
  "MARK",
  ["BINGET", 0],
  ["BINGET", 0],
  "APPENDS",
  ["BINPUT", 0],
]
const laughing = (start: Part, ...level: readonly Part[]): readonly Part[] => [
  ...["MARK", start, ["BINPUT", 0] as const, repeat(40, ...level), "TUPLE"],
]
const SELF: readonly Part[] = [["BINGET", 0]]

const VALUES: readonly LegalCase[] = [
  plain(
    "plain-callable",
    "bytes as protocol 2 writes them",
    call(global("_codecs", "encode"), [text("\u00ff\0")], [text("latin1")]),
  ),
  plain("plain-callable", "empty bytes, which weights_only refuses", call(global("__builtin__", "bytes"))),
  plain(
    "plain-callable",
    "a bytearray",
    call(global("__builtin__", "bytearray"), [text("x")], [text("latin-1")]),
  ),
  plain(
    "plain-callable",
    "a set and a frozenset",
    tuple(
      call(global("__builtin__", "set"), ["EMPTY_LIST", int(1), "APPEND"]),
      call(global("builtins", "frozenset"), ["EMPTY_LIST"]),
    ),
  ),
  plain(
    "plain-callable",
    "a complex number",
    call(global("__builtin__", "complex"), [["BINFLOAT", 1]], [["BINFLOAT", Number.NaN]]),
  ),
  plain(
    "plain-callable",
    "a Counter and a defaultdict",
    tuple(
      call(global("collections", "Counter"), dict([[text("a")], [int(3)]])),
      call(global("collections", "defaultdict"), [global("__builtin__", "list")]),
    ),
  ),
  plain(
    "plain-callable",
    "a Size, a device, a layout and a dtype",
    tuple(
      call(global("torch", "Size"), ints(2, 3)),
      call(global("torch", "device"), [text("cuda")], [int(3)]),
      call(global("torch.serialization", "_get_layout"), [text("torch.strided")]),
      [global("torch", "complex32")],
    ),
  ),
  plain(
    "plain-callable",
    "an OrderedDict from pairs, as Python 2 writes it",
    call(global("collections", "OrderedDict"), ["EMPTY_LIST", ...ints(1, 2), "APPEND"]),
  ),
  plain("plain-callable", "an OrderedDict by NEWOBJ", [
    global("collections", "OrderedDict"),
    "EMPTY_TUPLE",
    "NEWOBJ",
  ]),
  plain("build", "an OrderedDict with attributes", [
    ...ORDERED_DICT,
    ...dict([[text("_metadata")], ORDERED_DICT], [[text("__class__")], ["NONE"]]),
    "BUILD",
  ]),
  plain("cycle", "an OrderedDict whose state is itself, which is dropped", [
    ...ORDERED_DICT,
    ["BINPUT", 0],
    ...dict([[text("self")], SELF]),
    "BUILD",
  ]),
  plain("cycle", "a dict whose key holds the dict", [
    "EMPTY_DICT",
    ["BINPUT", 0],
    ...SELF,
    "TUPLE1",
    "NONE",
    "SETITEM",
  ]),
  plain("laughs", "lists of two, 40 levels, around no tensor", laughing("EMPTY_LIST", ...LISTS_OF_TWO)),
  plain("laughs", "tuples of two, 40 levels, as a key of a dict, which Python hashes for ever", [
    ...[
      "EMPTY_DICT",
      ...laughing("EMPTY_TUPLE", ["BINGET", 0], ["BINGET", 0], "TUPLE2", ["BINPUT", 0]),
      "NONE",
      "SETITEM",
    ],
  ]),
  plain("nesting", "198 levels of lists", [repeat(198, "EMPTY_LIST"), repeat(197, "APPEND")]),
  plain("nesting", "100,000 tuples of one as a key", [
    "EMPTY_DICT",
    "NONE",
    repeat(100_000, "TUPLE1"),
    "NONE",
    "SETITEM",
  ]),
  plain("engine", "a list of 200,000", ["EMPTY_LIST", "MARK", repeat(200_000, "NONE"), "APPENDS"]),
  plain("engine", "a tuple of 200,000", ["MARK", repeat(200_000, "NONE"), "TUPLE"]),
  plain("engine", "a dict of 100,000 that overwrites one key", [
    "EMPTY_DICT",
    "MARK",
    repeat(100_000, int(1), "NONE"),
    "SETITEMS",
  ]),
  plain("engine", "a text of 300,000 characters", [text("é".repeat(300_000))]),
  plain("engine", "100,000 marks with nothing above them", [
    "EMPTY_LIST",
    repeat(100_000, "MARK", "APPENDS"),
  ]),
  plain("integer", "an integer of 4 KiB", [assembleLong4(4096)]),
  plain("integer", "an integer of no bytes", [hex("8a00")]),
  plain("integer", "an integer of 255 bytes, 254 of which say nothing", [hex(`8aff${"00".repeat(255)}`)]),
  plain("key-type", "values under None, NaN, a tuple, bytes and a class", [
    ...dict(
      [["NONE"], [int(1)]],
      [[["BINFLOAT", Number.NaN]], [int(2)]],
      [["EMPTY_TUPLE"], [int(3)]],
      [[global("torch", "Tensor")], [int(4)]],
    ),
  ]),
  plain(
    "key-type",
    "a tensor's shape as a key, as optimizers have it",
    dict([call(global("torch", "Size"), ints(4)), [int(1)]]),
  ),
]

function assembleLong4(length: number): Part {
  return assemble(hex("8b"), littleEndian(length, 4), new Uint8Array(length).fill(0x55))
}

const halves = (name: string, count: number): ExpectedTensor => ({
  name,
  dtype: "F32",
  shape: [count],
  bytes: WEIGHT.subarray(0, 4 * count),
})

/** A checkpoint with these keys; the first has one element, the second two, and so on, up to four. */
const keyed = (
  section: SectionId,
  what: string,
  ...keys: readonly (readonly [key: Part, name: string])[]
): LegalCase =>
  acceptPickle(
    section,
    what,
    stateDict(...keys.map(([key], i) => [[key], tensor({ size: ints((i % 4) + 1) })] as const)),
    { tensors: keys.map(([, name], i) => halves(name, (i % 4) + 1)), options: { shared: "copy" } },
  )
const names = (section: SectionId, what: string, ...all: readonly string[]): LegalCase =>
  keyed(section, what, ...all.map((name) => [text(name), name] as const))

const NAMES: readonly LegalCase[] = [
  names("js-keys", "__proto__", "__proto__"),
  names("js-keys", "__proto__ among others", "a", "__proto__", "z"),
  names("js-keys", "what objects inherit", "constructor", "toString", "hasOwnProperty", "valueOf"),
  names(
    "js-keys",
    "what makes a promise or JSON of an object",
    "then",
    "toJSON",
    "length",
    "__defineGetter__",
  ),
  acceptPickle(
    "js-keys",
    "__proto__ as a level",
    stateDict([[text("a")], tensor()], [[text("__proto__")], dict([[text("b")], tensor({ size: ints(2) })])]),
    {
      tensors: [weight("a"), halves("__proto__.b", 2)],
    },
  ),
  acceptPickle(
    "js-keys",
    "__proto__ as the root",
    stateDict([[text("__proto__")], dict([[text("polluted")], tensor()])]),
    {
      tensors: [weight("polluted")],
    },
  ),
  acceptPickle(
    "js-keys",
    "__proto__ as another name of a tensor",
    stateDict([[text("__proto__")], [...tensor(), ["BINPUT", 0]]], [[text("ZZ")], SELF]),
    {
      tensors: [weight("ZZ")],
      metadata: JSON.parse('{"__proto__":"ZZ"}'),
    },
  ),
  names("integer-keys", "texts that look like integers, backwards", "10", "2", "01", "-0"),
  keyed("integer-keys", "integers, backwards", [int(10), "10"], [int(2), "2"], [int(-1), "-1"]),
  keyed(
    "integer-keys",
    "integers beyond 2^53",
    [int(2n ** 53n + 1n), "9007199254740993"],
    [int(-(2n ** 64n)), "-18446744073709551616"],
  ),
  names("unicode-twins", "composed and decomposed", "\u00e9", "e\u0301"),
  names("unicode-twins", "with and without a byte order mark", "weight", "\ufeffweight"),
  names("unicode-twins", "look-alikes and another case", "a", "\u0430", "A", "\uff41"),
  names(
    "unicode-twins",
    "beyond the first plane, before and after it",
    "\uffff",
    "\u{10000}",
    "\ud7ff",
    "😀",
  ),
  names(
    "error-text",
    "control characters, quotes and backslashes",
    '"',
    "\\",
    "\u0001\n\t\u007f",
    "\u001b[2J",
  ),
  names("error-text", "text turned around", "\u202egnp.exe", "\u2066a\u2069"),
  names("reserved-name", "names that are nearly reserved", "__metadata", "__METADATA__", "__metadata__ "),
  acceptPickle(
    "reserved-name",
    "as a level",
    stateDict(
      [[text("a")], tensor()],
      [[text("__metadata__")], dict([[text("b")], tensor({ size: ints(2) })])],
    ),
    {
      tensors: [weight("a"), halves("__metadata__.b", 2)],
    },
  ),
  names("collision", "a name of nothing", ""),
  names("collision", "names of dots", ".", "..", "a..b", "a."),
  names("collision", "names that are paths", "../../etc/passwd", "/etc/passwd", "C:\\x", "a/b"),
  acceptPickle(
    "collision",
    "1 and True in one dict are one key: the first key, the last value",
    stateDict([[int(1)], tensor()], [["NEWTRUE"], tensor({ size: ints(2) })]),
    {
      tensors: [halves("1", 2)],
    },
  ),
  acceptPickle(
    "collision",
    "one key twice in one dict: the last value",
    stateDict([[text("a")], tensor()], [[text("a")], tensor({ size: ints(3) })]),
    {
      tensors: [halves("a", 3)],
    },
  ),
  names("long-names", "70,000 characters", "n".repeat(70_000)),
  names("long-names", "1 MiB", "n".repeat(1_048_576)),
  acceptValue("surrogate", "half a character that names no tensor", [text(hex("ed a0 80"))]),
  acceptValue("nul", "NUL where it names no tensor", dict([[text("\0")], [int(1)]])),
]

/** Every case of this file. */
export const ODD_LEGAL_VALUES: readonly LegalCase[] = [
  ...PROTOCOLS,
  ...MEMO,
  ...VALUES,
  ...NAMES,
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
