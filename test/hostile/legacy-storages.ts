/** The storages of the legacy layout: their keys, counts, views and byte order, and what follows them. */

import type { ErrorCode } from "../../src/index.ts"
import { buildZip } from "../archive/zip-builder.ts"
import { hex, join, littleEndian, type Part, pickle2 } from "../pickle/assemble.ts"
import { keyList, legacyFile, storage, systemInfo, vector } from "../torch/legacy-file.ts"
import type { HostileCase } from "./case.ts"
import { dict, floats, global, HERE, int, tensorV3, text, tuple } from "./checkpoint-parts.ts"
import { INFO_AT, keys, legacy, withObject } from "./legacy.ts"

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
  view("no sixth field, which torch does not do without", "storage-reference", []),
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
export const LEGACY_STORAGES: readonly HostileCase[] = [
  ...KEYS,
  ...COUNTS,
  ...VIEWS,
  ...MODULES,
  ...TRAILING,
  ...ORDERS,
]
