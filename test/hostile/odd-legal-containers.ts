/** Odd archives that have one reading: all of them convert. */

import { deflateSync } from "fflate"
import {
  type ArchiveSpec,
  buildZip,
  descriptor,
  extraField,
  join,
  little,
  type MemberSpec,
  text,
  zip64Extra,
} from "../archive/zip-builder.ts"
import { assemble, hex } from "../pickle/assemble.ts"
import { type LegalCase, type MadeSource, sparseFile } from "./case.ts"
import {
  global,
  int,
  ints,
  PICKLE,
  stateDict,
  storage,
  tensor,
  tensorV3,
  text as textPart,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"
import {
  archive,
  CRC,
  DATA_PKL,
  LENGTH,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  RECORD,
  SENTINEL,
  sizes,
  streamed,
  unicodePath,
  wide,
} from "./zip-parts.ts"
import { NEARLY_REFUSED, ODD_TOP_FOLDERS } from "./zip-paths.ts"

export const legal = (
  section: SectionId,
  name: string,
  bytes: () => Uint8Array | MadeSource,
  more: Partial<LegalCase> = {},
): LegalCase => ({ name: `legal ${section}: ${name}`, section, bytes, tensors: [weight()], ...more })

/** Changes to every member. */
const all = (change: (spec: MemberSpec) => MemberSpec, spec: Partial<ArchiveSpec> = {}): Uint8Array =>
  archive({ members: membersWith(MEMBER).map(change), ...spec })

const renamed = (prefix: string): Uint8Array =>
  all((spec) => ({ ...spec, name: String(spec.name).replace(/^archive\//, prefix) }))

const signed = join(little(4, 0x08074b50), little(4, CRC), little(8, LENGTH), little(8, LENGTH))

/** A stored block, then an empty last one. */
const storedBlocks = (data: Uint8Array): Uint8Array =>
  join(hex("00"), little(2, data.length), little(2, ~data.length & 0xffff), data, hex("03 00"))

const FAKE_END = join(hex("504b0506"), new Uint8Array(12))

const ARCHIVES: readonly LegalCase[] = [
  legal("zip-end", "without ZIP64 records", () => archive()),
  legal("zip64", "with ZIP64 records that repeat all", () => archive({ zip64: {} })),
  legal("zip64", "with an end record that refers to ZIP64 for all", () =>
    archive({
      zip64: {},
      end: {
        entryCount: 0xffff,
        entriesOnDisk: 0xffff,
        directoryLength: SENTINEL,
        directoryOffset: SENTINEL,
      },
    }),
  ),
  legal("zip64", "with disks that refer to ZIP64", () =>
    archive({ zip64: {}, end: { disk: 0xffff, directoryDisk: 0xffff } }),
  ),
  legal("zip64", "with sizes in ZIP64 fields of both headers", () =>
    member({ row: wide(LENGTH, LENGTH), local: wide(LENGTH, LENGTH) }),
  ),
  legal("zip64", "with sizes in a ZIP64 field of the directory alone", () =>
    member({ row: wide(LENGTH, LENGTH) }),
  ),
  legal("zip64", "with an offset in a ZIP64 field", () =>
    member({ row: { offset: SENTINEL, extra: zip64Extra(MEMBER_AT) } }),
  ),
  legal("zip64", "with one size in a ZIP64 field", () =>
    member({ row: { byteLength: SENTINEL, extra: zip64Extra(LENGTH) } }),
  ),
  legal("zip-comment", "with a comment", () => archive({ comment: text("made by hand") })),
  legal("zip-comment", "with a comment of 65,535 bytes", () =>
    archive({ comment: new Uint8Array(0xffff).fill(0x41) }),
  ),
  legal("zip-comment", "with a comment that begins as a signature does", () =>
    archive({ comment: text("PK\u0005") }),
  ),
  legal("zip-comment", "with what looks like an end record as weights", () => member({ data: FAKE_END }), {
    tensors: [{ ...weight(), bytes: FAKE_END }],
  }),
  legal(
    "zip-overlap",
    "with what looks like a local header as weights",
    () => member({ data: hex("504b0304 14000000 00000000 00000000") }),
    {
      tensors: [{ ...weight(), bytes: hex("504b0304 14000000 00000000 00000000") }],
    },
  ),
  legal("zip-descriptor", "streamed, with descriptors", () => streamed(descriptor(CRC, LENGTH, LENGTH))),
  legal("zip-descriptor", "streamed, with descriptors without signature", () =>
    streamed(descriptor(CRC, LENGTH, LENGTH).subarray(4)),
  ),
  legal("zip-descriptor", "streamed, with descriptors of 8 bytes a size", () => streamed(signed)),
  legal("zip-descriptor", "streamed, with descriptors of 8 bytes a size and without signature", () =>
    streamed(signed.subarray(4)),
  ),
  legal("zip-descriptor", "streamed, with the sizes beside the data too", () =>
    streamed(descriptor(CRC, LENGTH, LENGTH), { local: {} }),
  ),
  legal("zip-method", "all deflated", () => all((spec) => ({ ...spec, method: 8 }))),
  legal("zip-method", "deflated and streamed", () => {
    const stored = deflateSync(WEIGHT)
    return streamed(descriptor(CRC, stored.length, LENGTH), { method: 8, stored })
  }),
  legal("zip-method", "an empty member, deflated", () =>
    archive({ members: membersWith(MEMBER, { name: "archive/empty", method: 8, stored: hex("03 00") }) }),
  ),
  legal("zip-inflate", "a stored block and an empty one", () =>
    member({ method: 8, stored: storedBlocks(WEIGHT) }),
  ),
  legal("zip-flags", "hints how hard deflate tried", () =>
    all((spec) => ({ ...spec, method: 8, flags: 0x0006 })),
  ),
  legal("zip-flags", "UTF-8 for plain names", () => all((spec) => ({ ...spec, flags: 0x0800 }))),
  legal("zip-crc", "all checksums zero, as torch writes on request", () =>
    all((spec) => ({ ...spec, local: { crc32: 0 }, row: { crc32: 0 } })),
  ),
  legal("zip-local", "extra fields that say nothing, another in each header", () =>
    member({
      local: { extra: extraField(0x5455, text("time")) },
      row: { extra: extraField(0x7875, text("owner")) },
    }),
  ),
  legal("zip-local", "64 KiB of padding in the local header", () =>
    member({ local: { extra: extraField(0x4246, new Uint8Array(65_531)) } }),
  ),
  legal("zip-local", "comments of members", () =>
    all((spec) => ({ ...spec, row: { comment: text("a comment") } })),
  ),
  legal("zip-name", "a Unicode Path field that repeats the name", () =>
    member({ local: { extra: unicodePath(RECORD) }, row: { extra: unicodePath(RECORD) } }),
  ),
  legal("zip-name", "attributes of a file that may be executed", () =>
    member({ row: { attributes: 0x81ed0000 } }),
  ),
  legal("zip-name", "a name of 4,096 bytes", () =>
    archive({ members: membersWith(MEMBER, { name: `archive/${"n".repeat(4088)}` }) }),
  ),
  legal("zip-name", "names that are nearly forbidden", () =>
    archive({ members: membersWith(MEMBER, ...NEARLY_REFUSED) }),
  ),
  legal("zip-name", "a member called __proto__", () =>
    archive({ members: membersWith(MEMBER, { name: "archive/__proto__" }) }),
  ),
  legal("zip-roots", "a folder with blanks and accents", () => renamed("my model é/")),
  ...ODD_TOP_FOLDERS.map(([file, folder]) =>
    legal("zip-roots", `the folder of a file called ${file}`, () => renamed(`${folder}/`)),
  ),
  legal("zip-roots", "names beyond ASCII that are not marked as UTF-8, as Info-ZIP writes them", () =>
    all((spec) => ({ ...spec, name: String(spec.name).replace(/^archive/, "é"), flags: 0 })),
  ),
  legal("zip-roots", "a folder called data", () => renamed("data/")),
  legal("zip-roots", "a folder called __proto__", () => renamed("__proto__/")),
  legal("zip-roots", "folders as members", () =>
    archive({ members: [{ name: "archive/" }, { name: "archive/data/" }, ...membersWith(MEMBER)] }),
  ),
  legal("zip-roots", "members that no torch writes", () =>
    archive({
      members: membersWith(
        MEMBER,
        { name: "archive/.data/serialization_id", data: text("0".repeat(40)) },
        { name: "archive/README.md", data: text("hi") },
      ),
    }),
  ),
  legal("zip-roots", "the pickle alone and its storage", () =>
    buildZip({ members: [{ name: PICKLE, data: DATA_PKL }, MEMBER] }),
  ),
  legal("zip-duplicate", "names that begin alike", () =>
    archive({
      members: membersWith(MEMBER, { name: "archive/data/00", data: WEIGHT }, { name: "archive/data.pkl2" }),
    }),
  ),
  legal("zip-gap", "members in another order than their rows", () => {
    return rowsReversed(archive())
  }),
  legal(
    "zip-bomb",
    "a storage that is 900 times what it takes",
    () => {
      const data = new Uint8Array(1_000_000)
      const pickle = assemble(
        ...stateDict([
          [textPart("weight")],
          tensor({ storage: storage({ count: [int(250_000)] }), size: ints(250_000) }),
        ]),
      )
      return buildZip({
        members: [
          { name: PICKLE, data: pickle, method: 8 },
          { name: RECORD, data, method: 8 },
        ],
      })
    },
    { tensors: [{ name: "weight", dtype: "F32", shape: [250_000], bytes: new Uint8Array(1_000_000) }] },
  ),
]

/** The rows of a directory without texts but names, in the opposite order. */
function rowsReversed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length - 22
  const start = view.getUint32(end + 16, true)
  const rows: Uint8Array[] = []
  for (let at = start; at < end; ) {
    const length = 46 + view.getUint16(at + 28, true)
    rows.unshift(bytes.subarray(at, at + length))
    at += length
  }
  return join(bytes.subarray(0, start), ...rows, bytes.subarray(end))
}

const GiB = 2 ** 30

/** Five GiB of zeros before the tensor that is wanted: only ZIP64 can say where it is. */
function giant(): MadeSource {
  const big = tensorV3([global("torch", "uint8")], {
    storage: storage({
      type: [global("torch", "UntypedStorage")],
      key: [textPart("1")],
      count: [int(5 * GiB)],
    }),
    size: ints(5 * GiB),
  })
  const pickle = assemble(...stateDict([[textPart("weight")], tensor()], [[textPart("big")], big]))
  const first: MemberSpec = { name: PICKLE, data: pickle }
  const offset = 30 + PICKLE.length + pickle.length
  const name = "archive/data/1"
  const lies = { ...sizes(SENTINEL), crc32: 7, extra: zip64Extra(5 * GiB, 5 * GiB) }
  const at = offset + 30 + name.length + lies.extra.length + 5 * GiB
  const members: readonly MemberSpec[] = [
    first,
    { name, local: lies, row: lies },
    { ...MEMBER, row: { offset: SENTINEL, extra: zip64Extra(at) } },
  ]
  // The file without the zeros, whose directory says where everything would be with them.
  const cut = at - 5 * GiB
  const directoryOffset = at + 30 + RECORD.length + LENGTH
  const directoryLength = buildZip({ members }).length - 22 - (directoryOffset - 5 * GiB)
  const whole = buildZip({
    members,
    zip64: { directoryOffset },
    end: { directoryOffset: SENTINEL },
    locator: { offset: BigInt(directoryOffset + directoryLength) },
  })
  return sparseFile(whole.length + 5 * GiB, [
    [0, whole.subarray(0, cut)],
    [at, whole.subarray(cut)],
  ])
}

const LARGE: readonly LegalCase[] = [
  legal("zip64", "a member behind 5 GiB", giant, { options: { exclude: "big" } }),
]

/** Every case of this file. */
export const ODD_LEGAL_CONTAINERS: readonly LegalCase[] = [...ARCHIVES, ...LARGE]
