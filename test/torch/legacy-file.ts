/** Builds small files in the layout of torch before 1.6: five pickles, then the storages. */

import { assemble, join, littleEndian, type Part, pickle2 } from "../pickle/assemble.ts"

/** The parts of such a file; each has a default, and any may be wrong. */
export interface LegacyParts {
  readonly magic: Uint8Array
  readonly version: Uint8Array
  readonly info: Uint8Array
  readonly object: Uint8Array
  readonly keys: Uint8Array
  /** Number of elements and the bytes, for each storage. */
  readonly storages: readonly (readonly [count: number | bigint, bytes: Uint8Array])[]
}

export const text = (value: string): Part => ["BINUNICODE", value]

/** A reference to a storage, with as many of the fields as are given. */
export function storage(key: string, count: number | bigint, view: readonly Part[] = ["NONE"]): Part {
  const integer: Part = ["LONG1", count]
  const type: Part = ["GLOBAL", "torch", "FloatStorage"]
  return assemble(
    "MARK",
    text("storage"),
    type,
    text(key),
    text("cpu"),
    integer,
    ...view,
    "TUPLE",
    "BINPERSID",
  )
}

/** A tensor of one dimension over a storage. */
export function vector(over: Part, size: number, offset = 0): Part {
  const ints = (value: number): readonly Part[] => [["LONG1", value], "TUPLE1"]
  return assemble(
    ["GLOBAL", "torch._utils", "_rebuild_tensor_v2"],
    ...["MARK", over, ["LONG1", offset] as const, ...ints(size), ...ints(1), "NEWFALSE"],
    ...[["GLOBAL", "collections", "OrderedDict"] as const, "EMPTY_TUPLE", "REDUCE", "TUPLE", "REDUCE"],
  )
}

/** A list of text, the keys of the storages. */
export function keyList(...keys: readonly string[]): Uint8Array {
  return pickle2("EMPTY_LIST", "MARK", ...keys.map(text), "APPENDS")
}

/** System information as torch writes it. */
export function systemInfo(littleEndianFlag: Part): Uint8Array {
  const sizes: readonly Part[] = [text("short"), ["BININT1", 2], text("int"), ["BININT1", 4]]
  return pickle2(
    ...["EMPTY_DICT", "MARK", text("protocol_version"), ["BININT2", 1001] as const],
    ...[
      text("little_endian"),
      littleEndianFlag,
      text("type_sizes"),
      "EMPTY_DICT",
      "MARK",
      ...sizes,
      "SETITEMS",
    ],
    "SETITEMS",
  )
}

const DEFAULT_PARTS: LegacyParts = {
  magic: pickle2(["LONG1", 0x1950a86a20f9469cfc6cn]),
  version: pickle2(["BININT2", 1001]),
  info: systemInfo("NEWTRUE"),
  object: pickle2(
    ...[
      "EMPTY_DICT",
      "MARK",
      text("a"),
      vector(storage("7", 2), 2),
      text("b"),
      vector(storage("8", 3), 2, 1),
    ],
    "SETITEMS",
  ),
  keys: keyList("7", "8"),
  storages: [
    [2, new Uint8Array(8).fill(1)],
    [3, new Uint8Array(12).fill(2)],
  ],
}

/** The file: `{"a": two floats of storage 7, "b": the last two floats of storage 8}`, but for what is given. */
export function legacyFile(parts: Partial<LegacyParts> = {}): Uint8Array {
  const { magic, version, info, object, keys, storages } = { ...DEFAULT_PARTS, ...parts }
  const data = storages.flatMap(([count, bytes]) => [littleEndian(count, 8), bytes])
  return join([magic, version, info, object, keys, ...data])
}
