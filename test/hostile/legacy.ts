/** The five pickles of the legacy layout. */

import type { ConvertOptions, ErrorCode } from "../../src/index.ts"
import { assemble, hex, join, type Part, pickle2, repeat } from "../pickle/assemble.ts"
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
export const INFO_AT = VERSION_AT + VERSION.length
const OBJECT_AT = INFO_AT + INFO.length

type Rest = Partial<ExpectedError>

export const legacy = (
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
export const withObject = (
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

export const keys = (name: string, list: Uint8Array): HostileCase =>
  legacy("legacy-keys", name, "legacy-layout", { keys: list }, { within: "storage keys pickle" })

/** Every case of this file. */
export const LEGACY: readonly HostileCase[] = [
  ...MAGICS,
  ...SLOTS,
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
