/** Members that readers would see differently, share bytes, or inflate to something else. */

import {
  buildZip,
  descriptor,
  extraField,
  join,
  little,
  type MemberSpec,
  memberLength,
  text,
} from "../archive/zip-builder.ts"
import { assemble, hex } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  call,
  checkpoint,
  checkpointMembers,
  global,
  ints,
  PICKLE,
  stateDict,
  tensor,
  text as textPart,
  WEIGHT,
} from "./checkpoint-parts.ts"
import { repeatedDeflate } from "./repeated-deflate.ts"
import {
  archive,
  both,
  CRC,
  DATA_PKL,
  DIRECTORY_AT,
  HEADER_BYTES,
  LENGTH,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  RECORD,
  ROW_AT,
  SENTINEL,
  sizes,
  streamed,
  unicodePath,
  wide,
  type ZipRow,
  zipCases,
} from "./zip-parts.ts"

const EVIL = assemble(["PROTO", 2], ...call(global("os", "system"), [textPart("id")]), "STOP")
const OTHER = new Uint8Array(LENGTH).fill(9)

const DUPLICATE: readonly ZipRow[] = [
  ["the storage twice, the same", "zip-duplicate", archive({ members: membersWith(MEMBER, MEMBER) })],
  [
    "the storage twice, another one last",
    "zip-duplicate",
    archive({ members: membersWith(MEMBER, { ...MEMBER, data: OTHER }) }),
  ],
  [
    "the pickle twice, a payload first",
    "zip-duplicate",
    archive({ members: [{ name: PICKLE, data: EVIL }, ...membersWith(MEMBER)] }),
  ],
  [
    "the pickle twice, a payload last",
    "zip-duplicate",
    archive({ members: [...membersWith(MEMBER), { name: PICKLE, data: EVIL }] }),
  ],
  [
    "the pickle in capitals besides",
    "zip-duplicate",
    archive({ members: [...membersWith(MEMBER), { name: "archive/DATA.PKL", data: EVIL }] }),
  ],
  [
    "the whole folder in capitals",
    "zip-duplicate",
    archive({ members: membersWith(MEMBER, { name: "ARCHIVE/DATA/0", data: OTHER }) }),
  ],
  [
    "twins beyond ASCII",
    "zip-duplicate",
    archive({ members: membersWith(MEMBER, { name: "archive/ä" }, { name: "archive/Ä" }) }),
  ],
  [
    "a folder twice",
    "zip-duplicate",
    archive({ members: membersWith(MEMBER, { name: "archive/x/" }, { name: "archive/x/" }) }),
  ],
  [
    "two rows for one member",
    "zip-duplicate",
    archive({ members: membersWith(MEMBER, { ...MEMBER, row: { offset: MEMBER_AT } }) }),
  ],
]

const under = (name: string): MemberSpec => ({ name, data: DATA_PKL })
const layout = (...members: readonly MemberSpec[]): Uint8Array => buildZip({ members })

const ROOTS: readonly ZipRow[] = [
  ["two folders with a pickle each", "zip-layout", layout(under("a/data.pkl"), under("b/data.pkl"))],
  [
    "a second folder with a storage",
    "zip-layout",
    archive({ members: membersWith(MEMBER, { name: "other/data/1", data: OTHER }) }),
  ],
  [
    "a second folder that begins alike",
    "zip-layout",
    archive({ members: membersWith(MEMBER, under("archive2/data.pkl")) }),
  ],
  [
    "a member beside the folder",
    "zip-layout",
    archive({ members: membersWith(MEMBER, { name: "README", data: text("hi") }) }),
  ],
  ["no folder", "zip-layout", layout(under("data.pkl"))],
  ["no pickle", "zip-layout", layout(MEMBER)],
  [
    "a folder within a folder",
    "zip-layout",
    layout(under("archive/inner/data.pkl"), { name: "archive/inner/data/0", data: WEIGHT }),
  ],
  ["a pickle in capitals alone", "zip-layout", layout(under("archive/DATA.PKL"), MEMBER)],
  ["folders alone", "zip-layout", layout({ name: "archive/" }, { name: "archive/data/" })],
  ["a folder called data.pkl", "zip-layout", layout({ name: "archive/data.pkl/" }, MEMBER)],
]

const at = MEMBER_AT
const LOCAL: readonly ZipRow[] = [
  ["another signature", "zip-entry", member({ local: { signature: 0x04034b51 } }), { at, within: RECORD }],
  [
    "another name",
    "zip-mismatch",
    member({ local: { name: text("archive/data/1") } }),
    { at, within: RECORD },
  ],
  ["a longer name", "zip-mismatch", member({ local: { name: text("archive/data/00") } })],
  [
    "a shorter name, so that a byte is missing",
    "zip-overlap",
    member({ local: { name: text("archive/data/") } }),
  ],
  ["a name in another case", "zip-mismatch", member({ local: { name: text("archive/Data/0") } })],
  ["another method", "zip-mismatch", member({ local: { method: 8 } }), { at, within: RECORD }],
  ["another checksum", "zip-mismatch", member({ local: { crc32: CRC ^ 1 } }), { at, within: RECORD }],
  ["no checksum, without descriptor", "zip-mismatch", member({ local: { crc32: 0 } })],
  ["another stored size", "zip-mismatch", member({ local: { storedLength: 1 } }), { at, within: RECORD }],
  ["another size", "zip-mismatch", member({ local: { byteLength: 1 } }), { at, within: RECORD }],
  ["no sizes, without descriptor", "zip-mismatch", member({ local: sizes(0) })],
  ["UTF-8 in the one and not in the other", "zip-mismatch", member({ local: { flags: 0x0800 } })],
  ["a descriptor in the one and not in the other", "zip-mismatch", member({ local: { flags: 0x0008 } })],
  ["an extra field four bytes longer", "zip-overlap", member({ local: { extraLength: 4 } })],
  ["an extra field of 64 KiB", "zip-overlap", member({ local: { extraLength: 0xffff } })],
  ["stray bytes in the extra field", "zip-entry", member({ local: { extra: hex("01 02 03") } })],
  [
    "an extra field that its own length leaves",
    "zip-entry",
    member({ local: { extra: hex("01 02 09 00 01") } }),
  ],
  ["a folder that holds bytes", "zip-entry", member({ name: "archive/x/" })],
  [
    "an empty member with a checksum",
    "zip-mismatch",
    member({ data: text(""), row: { crc32: 5 }, local: { crc32: 5 } }),
  ],
  ["a disk", "zip-entry", member({ row: { disk: 1 } }), { at: ROW_AT }],
  ["a disk that refers to no ZIP64 value", "zip-entry", member({ row: { disk: 0xffff } })],
  ["a header offset past the directory", "zip-overlap", member({ row: { offset: DIRECTORY_AT + 1000 } })],
]

const bits = [0x0001, 0x0020, 0x0040, 0x2000]
const FLAGS: readonly ZipRow[] = [
  ...bits.flatMap((bit): ZipRow[] => [
    [`0x${bit.toString(16)} in both`, "zip-flags", both({ flags: bit }), { at: ROW_AT }],
    [`0x${bit.toString(16)} in the directory`, "zip-flags", member({ row: { flags: bit } }), { at: ROW_AT }],
    [
      `0x${bit.toString(16)} beside the data`,
      "zip-flags",
      member({ local: { flags: bit } }),
      { at: MEMBER_AT },
    ],
  ]),
  ...[0x0010, 0x0080, 0x0100, 0x1000, 0x4000, 0x8000].map(
    (bit): ZipRow => [`0x${bit.toString(16)} in both`, "zip-flags", both({ flags: bit })],
  ),
]

/** Found when the bytes pass, or before: the sum of the pickle is held before it is read. */
const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 3 ? byte ^ 0x80 : byte))
const sumOf = (crc: number): NonNullable<MemberSpec["local"]> => ({ crc32: crc })

const PICKLE_CRC: readonly ZipRow[] = [
  [
    "of the pickle",
    "checksum",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === PICKLE ? { ...spec, local: sumOf(7), row: sumOf(7) } : spec,
      ),
    }),
    { within: PICKLE },
  ],
  [
    "of the byte order",
    "checksum",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === "archive/byteorder" ? { ...spec, local: sumOf(7), row: sumOf(7) } : spec,
      ),
    }),
    { within: "archive/byteorder" },
  ],
  [
    "zero, of the pickle alone",
    "checksum",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === PICKLE ? { ...spec, local: sumOf(0), row: sumOf(0) } : spec,
      ),
    }),
    { within: PICKLE },
  ],
]

const MOVED_CRC: readonly ZipRow[] = [
  ["of a storage", "checksum", both(sumOf(CRC ^ 1)), { within: RECORD }],
  ["zero, of a storage alone", "checksum", both(sumOf(0)), { within: RECORD }],
  [
    "of a storage one bit of which has turned",
    "checksum",
    member({ stored: flip(WEIGHT) }),
    { within: RECORD },
  ],
  [
    "of a storage of torch's own layout",
    "checksum",
    () => {
      const members = checkpointMembers(DATA_PKL).map((spec) =>
        spec.name === RECORD ? { ...spec, stored: flip(WEIGHT) } : spec,
      )
      return buildZip({ members, zip64: {} })
    },
    { within: RECORD },
  ],
  [
    "of a deflated storage",
    "checksum",
    member({ method: 8, row: sumOf(5), local: sumOf(5) }),
    { within: RECORD },
  ],
  [
    "of a part of a storage that no tensor holds",
    "checksum",
    () =>
      checkpointWith(
        tensor({ size: ints(1) }),
        WEIGHT.map((byte, i) => (i === LENGTH - 1 ? byte ^ 1 : byte)),
      ),
    { within: RECORD },
  ],
]

/** A checkpoint of one tensor in torch's layout, in which other bytes stand than the checksum says. */
function checkpointWith(value: ReturnType<typeof tensor>, stored: Uint8Array): Uint8Array {
  const pickle = assemble(...stateDict([[textPart("weight")], value]))
  const members = checkpointMembers(pickle).map((spec) => (spec.name === RECORD ? { ...spec, stored } : spec))
  return buildZip({ members, zip64: {} })
}

const signature = little(4, 0x08074b50)
const dataEnd = MEMBER_AT + HEADER_BYTES + LENGTH
const DESCRIPTOR: readonly ZipRow[] = [
  ["missing", "zip-mismatch", streamed(new Uint8Array(0)), { within: RECORD }],
  [
    "another checksum",
    "zip-mismatch",
    streamed(descriptor(CRC ^ 1, LENGTH, LENGTH)),
    { at: dataEnd, within: RECORD },
  ],
  ["no checksum", "zip-mismatch", streamed(descriptor(0, LENGTH, LENGTH))],
  ["another stored size", "zip-mismatch", streamed(descriptor(CRC, LENGTH + 1, LENGTH)), { at: dataEnd }],
  ["another size", "zip-mismatch", streamed(descriptor(CRC, LENGTH, LENGTH + 1)), { at: dataEnd }],
  [
    "another signature",
    "zip-mismatch",
    streamed(join(little(4, 1), descriptor(CRC, LENGTH, LENGTH).subarray(4))),
  ],
  ["cut off", "zip-gap", streamed(descriptor(CRC, LENGTH, LENGTH).subarray(0, 15)), { at: dataEnd }],
  ["a byte too long", "zip-gap", streamed(join(descriptor(CRC, LENGTH, LENGTH), text("x")))],
  ["twice", "zip-gap", streamed(join(descriptor(CRC, LENGTH, LENGTH), descriptor(CRC, LENGTH, LENGTH)))],
  [
    "wide and wrong",
    "zip-mismatch",
    streamed(join(signature, little(4, CRC), little(8, LENGTH), little(8, LENGTH + 1))),
  ],
  [
    "wide and wrong in the upper half",
    "zip-mismatch",
    streamed(join(signature, little(4, CRC), little(8, 2n ** 32n + BigInt(LENGTH)), little(8, LENGTH))),
  ],
  ["without signature and wrong", "zip-mismatch", streamed(descriptor(CRC, LENGTH, 1).subarray(4))],
  ["of an empty member, wrong", "zip-mismatch", streamed(descriptor(1, 0, 0), { data: text("") })],
  [
    "right, under another local checksum",
    "zip-mismatch",
    streamed(descriptor(CRC, LENGTH, LENGTH), { local: { crc32: 7, ...sizes(0) } }),
    { at },
  ],
  [
    "right, under another local size",
    "zip-mismatch",
    streamed(descriptor(CRC, LENGTH, LENGTH), { local: { crc32: 0, storedLength: 7, byteLength: 0 } }),
    { at },
  ],
]

const METHOD: readonly ZipRow[] = [
  ...[1, 6, 9, 12, 14, 93, 99, 0xffff].map(
    (method): ZipRow => [`method ${method}`, "zip-method", both({ method }), { at: ROW_AT }],
  ),
  ["stored with a size one byte longer", "zip-entry", both({ byteLength: LENGTH + 1 }), { at: ROW_AT }],
  ["stored with a size one byte shorter", "zip-entry", both({ byteLength: LENGTH - 1 })],
  ["stored in nothing", "zip-entry", both({ byteLength: 0 })],
]

/** A bomb of Fifield's kind: a deflated member quotes the next one's header in a stored block, and shares its data. */
function quotedOverlap(): Uint8Array {
  const zeros = repeatedDeflate(0, 2000)
  const kernel: MemberSpec = {
    name: RECORD,
    data: new Uint8Array(zeros.byteLength),
    method: 8,
    stored: zeros.bytes,
  }
  const header = memberLength(kernel) - zeros.bytes.length
  const quote = join(Uint8Array.of(0), little(2, header), little(2, ~header & 0xffff))
  const changes = { storedLength: quote.length + memberLength(kernel), byteLength: header + zeros.byteLength }
  return archive({
    members: membersWith(
      { name: "archive/data/1", method: 8, stored: quote, local: changes, row: changes },
      kernel,
    ),
  })
}

const nextOf = (length: number): Uint8Array =>
  archive({ members: membersWith({ ...MEMBER, local: sizes(LENGTH + length), row: sizes(LENGTH + length) }) })

const OVERLAP: readonly ZipRow[] = [
  [
    "two names for one header",
    "zip-overlap",
    archive({
      members: membersWith(MEMBER, { name: "archive/data/1", data: WEIGHT, row: { offset: MEMBER_AT } }),
    }),
  ],
  [
    "a header within another member's data",
    "zip-overlap",
    archive({
      members: membersWith(MEMBER, {
        name: "archive/data/1",
        data: WEIGHT,
        row: { offset: MEMBER_AT + HEADER_BYTES },
      }),
    }),
  ],
  ["a member one byte into the next", "zip-overlap", nextOf(1)],
  ["a member that holds the next as weights", "zip-overlap", nextOf(30 + "archive/version".length + 2)],
  ["a member that reaches into the directory", "zip-overlap", nextOf(60)],
  ["a member of 4 GiB", "zip-overlap", both(sizes(SENTINEL - 1))],
  ["a member of 2^53 - 1 bytes", "zip-overlap", member({ row: wide(2n ** 53n - 1n, 2n ** 53n - 1n) })],
  ["a header that a deflated member quotes", "zip-overlap", quotedOverlap()],
]

const NAMES: readonly (readonly [what: string, name: string | Uint8Array])[] = [
  ["a parent folder", "archive/../etc/passwd"],
  ["a parent folder first", "../archive/data/1"],
  ["a parent folder last", "archive/.."],
  ["an absolute path", "/etc/passwd"],
  ["a backslash", "archive\\data\\1"],
  ["a drive letter", "C:/archive"],
  ["a network share", "\\\\host\\share"],
  ["NUL", "archive/data/1\0.txt"],
  ["a line feed", "archive/\n"],
  ["CR", "archive/\r"],
  ["an escape sequence", "archive/\u001b[2J\u001b]0;x\u0007"],
  ["DEL", "archive/\u007f"],
  ["a C1 control", "archive/\u009b2J"],
  ["nothing", ""],
  ["4,097 bytes", `archive/${"a".repeat(4089)}`],
  ["60,000 bytes", `archive/${"a".repeat(59_992)}`],
  ["bytes that are not UTF-8", hex("61 ff fe")],
  ["half a character", hex("ed a0 80")],
  ["a character cut off", hex("61 c3")],
]

const NAME: readonly ZipRow[] = [
  ...NAMES.map(
    ([what, name]): ZipRow => [
      what,
      "zip-name",
      archive({ members: membersWith({ name, data: OTHER }, MEMBER) }),
      { at: ROW_AT + memberLength({ name, data: OTHER }) },
    ],
  ),
  ["another name in a Unicode Path field", "zip-name", both({ extra: unicodePath("archive/data/1") })],
  ["another name there, beside the data alone", "zip-name", member({ local: { extra: unicodePath("x") } })],
  [
    "a Unicode Path field without name",
    "zip-name",
    both({ extra: extraField(0x7075, hex("01 00 00 00 00")) }),
  ],
  ["a symbolic link", "zip-entry", member({ row: { attributes: 0xa1ff0000 } }), { at: ROW_AT }],
  [
    "text direction turned around, in an error",
    "zip-mismatch",
    archive({
      members: membersWith({ name: "archive/\u202egnp\u2066", data: OTHER, local: { crc32: 1 } }, MEMBER),
    }),
  ],
]

const SCRIPT = {
  "archive/constants.pkl": hex("80 02 29 2e"),
  "archive/code/__torch__.py": text("def f(): pass"),
}
const OTHER_LAYOUTS: readonly ZipRow[] = [
  ["TorchScript", "unsupported-layout", checkpoint(beside(["NONE"]), { more: SCRIPT })],
  ["TorchScript with a pickle that names code", "unsupported-layout", checkpoint(EVIL, { more: SCRIPT })],
  [
    "torch.export",
    "unsupported-layout",
    checkpoint(beside(["NONE"]), { more: { "archive/archive_format": text("pt2") } }),
  ],
  [
    "torch.export without a pickle",
    "unsupported-layout",
    layout({ name: "model/archive_format", data: text("pt2") }),
  ],
]

/** Every case of this file. */
export const ZIP_MEMBERS: readonly HostileCase[] = [
  ...zipCases("zip-duplicate", DUPLICATE),
  ...zipCases("zip-roots", ROOTS),
  ...zipCases("zip-local", LOCAL),
  ...zipCases("zip-flags", FLAGS),
  ...zipCases("zip-crc", PICKLE_CRC),
  ...zipCases("zip-crc", MOVED_CRC, true),
  ...zipCases("zip-descriptor", DESCRIPTOR),
  ...zipCases("zip-method", METHOD),
  ...zipCases("zip-overlap", OVERLAP),
  ...zipCases("zip-name", NAME),
  ...zipCases("torchscript", OTHER_LAYOUTS),
]
