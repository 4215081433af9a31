/** Storages that are not what the pickle says of them. */

import type { ErrorCode } from "../../src/index.ts"
import type { Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  type CaseParts,
  call,
  dict,
  floats,
  global,
  HERE,
  int,
  ints,
  refusePickle,
  type StorageParts,
  stateDict,
  storage,
  storageClass,
  tensor,
  tensorArguments,
  tensorV3,
  text,
  tuple,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

/** A checkpoint of one tensor whose storage is refused. */
export const storageCase = (
  section: SectionId,
  name: string,
  code: ErrorCode,
  parts: StorageParts,
  more: CaseParts = {},
): HostileCase =>
  refusePickle(
    section,
    name,
    code,
    stateDict([[text("weight")], tensor({ storage: storage(parts, HERE) })]),
    more,
  )

const record = (name: string, count: number, bytes: number, type = "FloatStorage"): HostileCase =>
  storageCase(
    "storage-size",
    name,
    "storage-size",
    { count: [int(count)], type: storageClass(type) },
    { storages: { 0: new Uint8Array(bytes) } },
  )

const SIZES: readonly HostileCase[] = [
  record("a thousand of four", 1000, 16),
  record("one more than there are", 5, 16),
  record("one fewer than there are", 3, 16),
  record("none of four", 0, 16),
  record("four of none", 4, 0),
  record("a record that is a byte short", 4, 15),
  record("a record that is a byte long", 4, 17),
  record("as many bytes as elements, of a wider class", 16, 16),
  record("as many elements as half the bytes", 4, 16, "HalfStorage"),
  record("2^40 elements of nothing", 2 ** 40, 0),
  refusePickle("storage-size", "fewer bytes than an untyped storage says", "storage-size", [
    ...stateDict([
      [text("weight")],
      tensorV3([global("torch", "float32")], {
        storage: storage({ type: [global("torch", "UntypedStorage")], count: [int(17)] }, HERE),
      }),
    ]),
  ]),
]

const COUNTS: readonly HostileCase[] = (
  [
    ["4.0", [["BINFLOAT", 4]]],
    ["-1", [int(-1)]],
    ["-4", [int(-4)]],
    ["2^51, whose bytes are 2^53", [int(2n ** 51n)]],
    ["2^53", [int(2n ** 53n)]],
    ["2^62 + 4, whose bytes wrap to 16", [int(2n ** 62n + 4n)]],
    ["2^64 + 4", [int(2n ** 64n + 4n)]],
    ["True", ["NEWTRUE"]],
    ["None", ["NONE"]],
    ["text", [text("4")]],
    ["a tuple", ints(4)],
    ["NaN", [["BINFLOAT", Number.NaN]]],
  ] as const
).map(([name, count]) => storageCase("storage-count", name, "storage-size", { count }))

/** "０" is the full-width digit zero. */
const KEYS: readonly string[] = [
  "../data.pkl",
  "/etc/passwd",
  "x/../0",
  "./0",
  "data/0",
  "0/",
  "0\0",
  "",
  " 0",
  "0 ",
  "+0",
  "-0",
  "0x0",
  "0.0",
  "1e0",
  "０",
  "00",
  "7",
  "000000000000000000000",
  "__proto__",
  "0".repeat(100_000),
]

const KEY_CASES: readonly HostileCase[] = [
  ...KEYS.map((key) =>
    storageCase(
      "storage-key",
      key.length > 30 ? "100,000 digits" : `"${key.replace("\0", "NUL")}"`,
      "storage-key",
      { key: [text(key)] },
    ),
  ),
  ...(
    [
      ["the int 0", [int(0)]],
      ["bytes", call(global("_codecs", "encode"), [text("0")], [text("latin1")])],
      ["None", ["NONE"]],
      ["a tuple", [text("0"), "TUPLE1"]],
    ] as const
  ).map(([name, key]) => storageCase("storage-key", name, "storage-reference", { key })),
  storageCase(
    "storage-key",
    "a member in another case",
    "storage-key",
    { key: [text("10")] },
    {
      storages: {},
      more: { "archive/DATA/10": floats(1, 2, 3, 4) },
    },
  ),
  storageCase(
    "storage-key",
    "a member that climbs, by its own name",
    "zip-name",
    { key: [text("../data.pkl")] },
    {
      more: { "archive/data/../data.pkl": floats(1, 2, 3, 4) },
      expect: { at: undefined, within: "archive/data/../data.pkl" },
    },
  ),
  storageCase(
    "storage-key",
    "a folder of that name",
    "storage-key",
    { key: [text("5")] },
    {
      more: { "archive/data/5/": new Uint8Array(0) },
    },
  ),
]

const identity = (name: string, code: ErrorCode, parts: StorageParts): HostileCase =>
  storageCase("persistent-id", name, code, parts)
const FIELDS = [text("storage"), ...storageClass("FloatStorage"), text("0"), text("cpu"), int(4)]
const raw = (name: string, id: readonly Part[]): HostileCase =>
  refusePickle("persistent-id", name, "storage-reference", [
    ...stateDict([[text("weight")], tensor({ storage: [...id, HERE, "BINPERSID"] })]),
  ])

const IDENTITIES: readonly HostileCase[] = [
  raw("four fields", ["MARK", ...FIELDS.slice(0, 4), "TUPLE"]),
  raw("one field", [text("storage"), "TUPLE1"]),
  raw("no field", ["EMPTY_TUPLE"]),
  raw("a list", ["EMPTY_LIST", "MARK", ...FIELDS, "APPENDS"]),
  raw("the text of a tuple", [text("('storage', FloatStorage, '0', 'cpu', 4)")]),
  identity("six fields, as legacy files have", "storage-reference", { more: [["NONE"]] }),
  identity("seven fields", "storage-reference", { more: [["NONE"], ["NONE"]] }),
  identity("the tag module", "storage-reference", { tag: [text("module")] }),
  identity("the tag file", "storage-reference", { tag: [text("file")] }),
  identity("the tag Storage", "storage-reference", { tag: [text("Storage")] }),
  identity("no text as tag", "storage-reference", { tag: ["NONE"] }),
  identity("bytes as tag", "storage-reference", {
    tag: call(global("_codecs", "encode"), [text("storage")], [text("latin1")]),
  }),
  identity("None as location", "storage-reference", { location: ["NONE"] }),
  identity("a device as location", "storage-reference", {
    location: call(global("torch", "device"), [text("cpu")]),
  }),
]

const twice = (name: string, first: StorageParts, second: StorageParts): HostileCase =>
  refusePickle("storage-conflict", name, "storage-conflict", [
    ...stateDict(
      [[text("a")], tensor({ storage: storage(first), size: ints(1) })],
      [[text("b")], tensor({ storage: storage(second, HERE), size: ints(1) })],
    ),
  ])

const CONFLICTS: readonly HostileCase[] = [
  twice("floats, then ints", {}, { type: storageClass("IntStorage") }),
  twice(
    "floats, then doubles of as many bytes",
    {},
    { type: storageClass("DoubleStorage"), count: [int(2)] },
  ),
  twice(
    "halves, then bfloats",
    { type: storageClass("HalfStorage"), count: [int(8)] },
    { type: storageClass("BFloat16Storage"), count: [int(8)] },
  ),
  twice("four elements, then three", {}, { count: [int(3)] }),
  twice("four elements, then none", {}, { count: [int(0)] }),
  twice(
    "bools, then bytes",
    { type: storageClass("BoolStorage"), count: [int(16)] },
    { type: storageClass("ByteStorage"), count: [int(16)] },
  ),
  refusePickle("storage-conflict", "untyped, then floats, which torch takes for bytes", "storage-conflict", [
    ...stateDict(
      [[text("a")], tensorV3([global("torch", "int32")])],
      [[text("b")], tensor({ storage: storage({}, HERE) })],
    ),
  ]),
  refusePickle("storage-conflict", "floats, untyped, then ints", "storage-conflict", [
    ...stateDict(
      [[text("a")], tensor()],
      [[text("b")], tensorV3([global("torch", "int32")], { size: ints(2) })],
      [[text("c")], tensor({ storage: storage({ type: storageClass("IntStorage") }, HERE), size: ints(3) })],
    ),
  ]),
]

export const ANY = tuple(["NONE"])
export const rebuilt = (name: string): readonly Part[] => [global("torch._utils", name), ...ANY, "REDUCE"]

/** Every case of this file. */
export const STORAGES: readonly HostileCase[] = [
  ...SIZES,
  ...COUNTS,
  ...KEY_CASES,
  ...IDENTITIES,
  ...CONFLICTS,
  storageCase("storage-dtype", "the dtype's arguments", "storage-dtype", { type: tensorArguments() }),
  refusePickle(
    "unsupported",
    "a dict of them under a root",
    "tensor-unsupported",
    [...stateDict([[text("state_dict")], dict([[text("q")], rebuilt("_rebuild_qtensor")])])],
    { expect: { names: ["q"] } },
  ),
]
