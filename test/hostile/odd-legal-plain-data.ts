/** Odd plain data beside a tensor: it is inert, and the tensor converts. */

import { assemble, hex, littleEndian, type Part, repeat } from "../pickle/assemble.ts"
import type { LegalCase } from "./case.ts"
import { acceptValue, call, dict, global, int, ints, ORDERED_DICT, text, tuple } from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

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
export const SELF: readonly Part[] = [["BINGET", 0]]

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

/** Every case of this file. */
export const ODD_LEGAL_PLAIN_DATA: readonly LegalCase[] = [...VALUES]
