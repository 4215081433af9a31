/** The legacy layout: five pickles, then storages whose sizes are said three times. */

import type { ConvertOptions, ErrorCode } from "../../src/index.ts"
import { buildZip } from "../archive/zip-builder.ts"
import { assemble, hex, join, littleEndian, type Part, pickle2, repeat } from "../pickle/assemble.ts"
import { keyList, type LegacyParts, legacyFile, storage, systemInfo, vector } from "../torch/legacy-file.ts"
import type { ExpectedError, HostileCase } from "./case.ts"
import {
  dict,
  floats,
  global,
  HERE,
  int,
  markedAt,
  ORDERED_DICT,
  tensor,
  tensorV3,
  text,
  tuple,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

const MAGIC = pickle2(["LONG1", 0x1950a86a20f9469cfc6cn])
const VERSION = pickle2(["BININT2", 1001])
const INFO = systemInfo("NEWTRUE")
const HEAD = [MAGIC, VERSION, INFO]

/** File offset of each pickle. */
const VERSION_AT = MAGIC.length
const INFO_AT = VERSION_AT + VERSION.length
const OBJECT_AT = INFO_AT + INFO.length

type Rest = Partial<ExpectedError>

const legacy = (
  section: SectionId,
  name: string,
  code: ErrorCode,
  parts: Partial<LegacyParts>,
  expect: Rest = {},
  options?: ConvertOptions,
): HostileCase => ({
  name: `${section}: ${name}`,
  section,
  bytes: () => legacyFile(parts),
  expect: { code, ...expect },
  options,
})

/** A file with this object over one storage "7" of four floats. */
const withObject = (
  section: SectionId,
  name: string,
  code: ErrorCode,
  object: readonly Part[],
  expect: Rest = {},
): HostileCase => {
  const pickle = [["PROTO", 2] as const, ...object, "STOP"]
  const marked = markedAt(pickle)
  const place = marked === undefined ? {} : { at: OBJECT_AT + marked, within: "object pickle" }
  return legacy(
    section,
    name,
    code,
    { object: assemble(...pickle), keys: keyList("7"), storages: [[4, floats(1, 2, 3, 4)]] },
    { ...place, ...expect },
  )
}

const MAGICS: readonly HostileCase[] = [
  legacy("legacy-magic", "another number", "not-a-checkpoint", {
    magic: pickle2(["LONG1", 0x1950a86a20f9469cfc6dn]),
  }),
  legacy("legacy-magic", "its negative", "not-a-checkpoint", {
    magic: pickle2(["LONG1", -0x1950a86a20f9469cfc6cn]),
  }),
  legacy("legacy-magic", "as text to be evaluated", "not-a-checkpoint", {
    magic: pickle2(text("0x1950a86a20f9469cfc6c")),
  }),
  legacy("legacy-magic", "as a float", "not-a-checkpoint", {
    magic: pickle2(["BINFLOAT", 1.195470371460388e23]),
  }),
  legacy("legacy-magic", "as a LONG of text", "not-a-checkpoint", {
    magic: pickle2(["LONG", "119547037146038801333356L"]),
  }),
  legacy("legacy-magic", "as a LONG4", "not-a-checkpoint", {
    magic: pickle2(["LONG4", 0x1950a86a20f9469cfc6cn]),
  }),
  legacy(
    "legacy-magic",
    "with another opcode before it",
    "pickle-protocol",
    { magic: join([hex("4e4e"), MAGIC.subarray(2)]) },
    { at: 0 },
  ),
  legacy(
    "legacy-magic",
    "of protocol 255",
    "pickle-protocol",
    { magic: join([hex("80ff"), MAGIC.subarray(2)]) },
    { at: 0 },
  ),
  legacy("legacy-magic", "with nine values before it", "pickle-stack", {
    magic: assemble(["PROTO", 4], repeat(9, "NONE"), MAGIC.subarray(2)),
  }),
  legacy(
    "legacy-magic",
    "with a payload before it",
    "global-not-allowed",
    {
      magic: assemble(
        ["PROTO", 4],
        global("o", "a"),
        "EMPTY_TUPLE",
        "REDUCE",
        repeat(2, "NONE"),
        MAGIC.subarray(2),
      ),
    },
    { globals: ["o.a"], at: 2, within: "magic number pickle" },
  ),
  legacy(
    "legacy-magic",
    "version 1000",
    "legacy-layout",
    { version: pickle2(["BININT2", 1000]) },
    { at: VERSION_AT },
  ),
  legacy(
    "legacy-magic",
    "version 1001.0",
    "legacy-layout",
    { version: pickle2(["BINFLOAT", 1001]) },
    { at: VERSION_AT },
  ),
  legacy(
    "legacy-magic",
    "version '1001'",
    "legacy-layout",
    { version: pickle2(text("1001")) },
    { at: VERSION_AT },
  ),
  legacy("legacy-magic", "version None", "legacy-layout", { version: pickle2("NONE") }, { at: VERSION_AT }),
]

const SYSTEM: readonly Part[] = [global("os", "system"), text("id"), "TUPLE1", "REDUCE"]
const named = (at: number, within: string) => ({ globals: ["os.system"], at, within })

const SLOTS: readonly HostileCase[] = [
  legacy(
    "legacy-slots",
    "a payload as version",
    "global-not-allowed",
    { version: pickle2(...SYSTEM) },
    named(VERSION_AT + 2, "protocol version pickle"),
  ),
  legacy(
    "legacy-slots",
    "a payload as system info",
    "global-not-allowed",
    { info: pickle2(...SYSTEM) },
    named(INFO_AT + 2, "system info pickle"),
  ),
  legacy(
    "legacy-slots",
    "a payload as byte order",
    "global-not-allowed",
    { info: systemInfo(assemble(...SYSTEM)) },
    { globals: ["os.system"] },
  ),
  legacy(
    "legacy-slots",
    "a payload as object",
    "global-not-allowed",
    { object: pickle2(...SYSTEM) },
    named(OBJECT_AT + 2, "object pickle"),
  ),
  legacy(
    "legacy-slots",
    "a payload as storage keys",
    "global-not-allowed",
    { keys: pickle2(...SYSTEM) },
    { globals: ["os.system"], within: "storage keys pickle" },
  ),
  legacy(
    "legacy-slots",
    "a payload among the storage keys",
    "global-not-allowed",
    {
      keys: pickle2("EMPTY_LIST", "MARK", text("7"), text("8"), ...SYSTEM, "APPENDS"),
    },
    { globals: ["os.system"] },
  ),
  legacy("legacy-slots", "a storage in the system info", "storage-reference", {
    info: pickle2(...dict([[text("x")], [storage("7", 2)]])),
  }),
  legacy("legacy-slots", "a tensor as storage keys", "storage-reference", {
    keys: pickle2(vector(storage("7", 2), 2)),
  }),
  legacy(
    "legacy-slots",
    "text of protocol 0 as system info",
    "pickle-protocol",
    { info: hex("286470300a2e") },
    { at: INFO_AT },
  ),
  legacy("legacy-slots", "an object that recalls what the system info memoised", "pickle-memo", {
    info: assemble(["PROTO", 2], ...dict([[text("little_endian")], ["NEWTRUE"]]), ["BINPUT", 0], "STOP"),
    object: pickle2(["BINGET", 0]),
  }),
  legacy("legacy-slots", "two values left by the object", "pickle-stack", {
    object: pickle2("NONE", vector(storage("7", 2), 2)),
  }),
  legacy(
    "legacy-slots",
    "an empty pickle in the middle",
    "pickle-stack",
    { object: pickle2() },
    { at: OBJECT_AT + 2 },
  ),
  legacy(
    "legacy-slots",
    "an object that breaks off",
    "pickle-opcode",
    { object: hex("8002 7d ff") },
    { at: OBJECT_AT + 3 },
  ),
  legacy("legacy-slots", "no storage keys", "pickle-truncated", { keys: hex(""), storages: [] }),
  legacy(
    "legacy-slots",
    "a frame over two pickles",
    "pickle-trailing",
    {
      info: assemble(["PROTO", 4], ["FRAME", 80], ...dict([[text("little_endian")], ["NEWTRUE"]]), "STOP"),
    },
    { within: "system info pickle" },
  ),
  legacy(
    "legacy-slots",
    "one budget of opcodes for all five",
    "limit-exceeded",
    {},
    { limit: "maxOpcodes" },
    { limits: { maxOpcodes: 60 } },
  ),
  legacy(
    "legacy-slots",
    "one budget of bytes for all five",
    "limit-exceeded",
    {},
    { limit: "maxPickleBytes" },
    { limits: { maxPickleBytes: 300 } },
  ),
]

const keys = (name: string, list: Uint8Array): HostileCase =>
  legacy("legacy-keys", name, "legacy-layout", { keys: list }, { within: "storage keys pickle" })
const listOf = (...items: readonly Part[]): Uint8Array => pickle2("EMPTY_LIST", "MARK", ...items, "APPENDS")

const KEYS: readonly HostileCase[] = [
  keys("one missing, which torch leaves uninitialised", keyList("7")),
  keys("none", keyList()),
  keys("one unknown", keyList("7", "8", "9")),
  keys("another one", keyList("7", "9")),
  keys("one twice", keyList("7", "8", "8")),
  keys("one twice and one missing", keyList("7", "7")),
  keys("an int", listOf(int(7), text("8"))),
  keys("None beside text of Python 2", listOf(["SHORT_BINSTRING", "7"], "NONE")),
  keys("a list in a list", listOf(keyList("7", "8").subarray(2, -1), text("8"))),
  keys("text", pickle2(text("78"))),
  keys("a tuple", pickle2(text("7"), text("8"), "TUPLE2")),
  keys("a dict", pickle2(...dict([[text("7")], [text("8")]]))),
  keys("None", pickle2("NONE")),
  keys("a list in itself", pickle2("EMPTY_LIST", ["BINPUT", 0], ["BINGET", 0], "APPEND")),
  keys("another case of a name that objects have", keyList("7", "__proto__")),
]

const counts = (
  name: string,
  first: number | bigint,
  second: number | bigint,
  whole = legacyFile(),
): HostileCase =>
  legacy(
    "legacy-count",
    name,
    "storage-size",
    {
      storages: [
        [first, new Uint8Array(8)],
        [second, new Uint8Array(12)],
      ],
    },
    {
      at: first === 2 ? whole.length - 20 : whole.length - 36,
    },
  )

const COUNTS: readonly HostileCase[] = [
  counts("one more", 3, 3),
  counts("one fewer", 1, 3),
  counts("zero", 0, 3),
  counts("-1", -1, 3),
  counts("2^61 + 2, whose bytes wrap to 8", 2n ** 61n + 2n, 3),
  counts("2^63", 2n ** 63n, 3),
  counts("the wrong way round", 3, 2),
  counts("big-endian", 2n << 56n, 3),
  counts("wrong for the second alone", 2, 4),
  legacy("legacy-count", "no count for the last storage", "truncated", {
    storages: [[2, new Uint8Array(8)]],
  }),
  legacy("legacy-count", "a storage one byte short", "truncated", {
    storages: [
      [2, new Uint8Array(8)],
      [3, new Uint8Array(11)],
    ],
  }),
  withObject("legacy-count", "2^40 elements of which four are there", "truncated", [
    vector(storage("7", 2 ** 40), 4),
  ]),
  withObject("legacy-count", "2^61 elements", "storage-size", [vector(storage("7", 2n ** 61n), 4)]),
  withObject("legacy-count", "-4 elements", "storage-size", [vector(storage("7", -4), 4)]),
]

const view = (name: string, code: ErrorCode, parts: readonly Part[], size = 1): HostileCase =>
  withObject("legacy-view", name, code, [vector(storage("7", 4, parts), size)])
const viewOf = (offset: Part, count: Part): readonly Part[] => [text("7-view"), offset, count, "TUPLE3"]

const VIEWS: readonly HostileCase[] = [
  view("an element past its storage", "tensor-bounds", viewOf(int(1), int(4))),
  view("beginning at the end", "tensor-bounds", viewOf(int(4), int(1))),
  view("2^53 - 1 elements from 1", "tensor-bounds", viewOf(int(1), int(2n ** 53n - 1n))),
  view("an offset of 2^64, which wraps to 0", "tensor-bounds", viewOf(int(2n ** 64n), int(1))),
  view("a negative offset", "tensor-bounds", viewOf(int(-1), int(1))),
  view("a negative count", "tensor-bounds", viewOf(int(0), int(-1))),
  view("an offset of 0.0", "tensor-bounds", viewOf(["BINFLOAT", 0], int(1))),
  view("a count of text", "tensor-bounds", viewOf(int(0), text("1"))),
  view("a tuple of two", "storage-reference", [text("7-view"), int(0), "TUPLE2"]),
  view("a tuple of four", "storage-reference", [...tuple([text("7-view")], [int(0)], [int(1)], [int(1)])]),
  view("a list", "storage-reference", ["EMPTY_LIST"]),
  view("text", "storage-reference", [text("7-view")]),
  view("and a seventh field", "storage-reference", ["NONE", "NONE"]),
  view("a tensor larger than the view", "tensor-bounds", viewOf(int(0), int(2)), 3),
  view(
    "a tensor that fits the storage but not the rest of the view",
    "tensor-bounds",
    viewOf(int(2), int(2)),
    4,
  ),
  withObject("legacy-view", "within an element of the tensor", "tensor-argument", [
    ...tensorV3(
      [global("torch", "float32")],
      {
        storage: [
          ...tuple(
            [text("storage")],
            [global("torch", "UntypedStorage")],
            [text("7")],
            [text("cpu")],
            [int(16)],
            viewOf(int(1), int(8)),
          ),
          "BINPERSID",
        ],
        size: [int(1), "TUPLE1"],
      },
      16,
      HERE,
    ),
  ]),
]

const moduleId = (cls: Part, ...more: readonly (readonly Part[])[]): readonly Part[] => [
  ...tuple([text("module")], [cls], ...more),
  HERE,
  "BINPERSID",
]
const SOURCE = [[text("model.py")], [text("import os\nos.system('id')\n")]] as const

const MODULES: readonly HostileCase[] = [
  withObject(
    "legacy-module",
    "of an allowed class",
    "storage-reference",
    moduleId(global("collections", "OrderedDict"), ...SOURCE),
  ),
  withObject(
    "legacy-module",
    "without source",
    "storage-reference",
    moduleId(global("collections", "OrderedDict")),
  ),
  withObject(
    "legacy-module",
    "of a class that is refused",
    "global-not-allowed",
    [...tuple([text("module")], [HERE, global("model", "Net")], ...SOURCE), "BINPERSID"],
    { globals: ["model.Net"] },
  ),
  withObject(
    "legacy-module",
    "of text in the place of a class, and as many fields as a storage has",
    "storage-reference",
    [...moduleId(text("Net"), ...SOURCE, [int(4)])],
  ),
]

const WHOLE = legacyFile()
const trailing = (name: string, more: Uint8Array): HostileCase => ({
  name: `legacy-trailing: ${name}`,
  section: "legacy-trailing",
  bytes: () => join([legacyFile(), more]),
  expect: { code: "legacy-trailing", at: WHOLE.length },
})

const TRAILING: readonly HostileCase[] = [
  trailing("one byte", hex("00")),
  trailing("a line feed", hex("0a")),
  trailing("another pickle", pickle2("NONE")),
  trailing("another storage", join([littleEndian(1, 8), floats(1)])),
  trailing("a zip archive", buildZip({ members: [{ name: "archive/data.pkl", data: pickle2("NONE") }] })),
  trailing("the file again", WHOLE),
]

const order = (name: string, info: Uint8Array): HostileCase =>
  legacy(
    "byte-order",
    `a legacy file that ${name}`,
    "byte-order",
    { info },
    { at: INFO_AT, within: "system info pickle" },
  )

const ORDERS: readonly HostileCase[] = [
  order("says big-endian", systemInfo("NEWFALSE")),
  order("says 1", systemInfo(["BININT1", 1])),
  order("says None", systemInfo("NONE")),
  order("says yes", systemInfo(text("yes"))),
  order("says nothing", pickle2("EMPTY_DICT")),
  order("has no dict of system info", pickle2("EMPTY_LIST")),
  order("says it of something else", pickle2(...dict([[text("Little_endian")], ["NEWTRUE"]]))),
]

/** Every case of this file. */
export const LEGACY: readonly HostileCase[] = [
  ...MAGICS,
  ...SLOTS,
  ...KEYS,
  ...COUNTS,
  ...VIEWS,
  ...MODULES,
  ...TRAILING,
  ...ORDERS,
  withObject("legacy-keys", "a storage in another dtype later", "storage-conflict", [
    ...dict(
      [[text("a")], [vector(storage("7", 4), 1)]],
      [
        [text("b")],
        tensor({
          storage: [
            ...tuple(
              [text("storage")],
              [global("torch", "IntStorage")],
              [text("7")],
              [text("cpu")],
              [int(4)],
              ["NONE"],
            ),
            HERE,
            "BINPERSID",
          ],
        }),
      ],
    ),
  ]),
  withObject("legacy-slots", "an object whose state is dropped, and code in it", "global-not-allowed", [
    ...[...ORDERED_DICT, ...dict([[text("x")], [HERE, global("os", "system")]]), "BUILD"],
  ]),
  {
    name: "legacy-slots: five pickles cut off after the third",
    section: "legacy-slots",
    bytes: () => join(HEAD),
    expect: { code: "pickle-truncated", at: OBJECT_AT },
  },
]
