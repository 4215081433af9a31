/** Members whose headers or names readers would see differently, and layouts that are other ones. */

import { buildZip, extraField, type MemberSpec, memberLength, text } from "../archive/zip-builder.ts"
import { assemble, hex } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import { beside, call, checkpoint, global, PICKLE, text as textPart, WEIGHT } from "./checkpoint-parts.ts"
import {
  archive,
  both,
  CRC,
  DATA_PKL,
  DIRECTORY_AT,
  LENGTH,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  RECORD,
  ROW_AT,
  sizes,
  unicodePath,
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
  [
    "a version that there is none of, in the one",
    "zip-entry",
    member({ row: { version: 64 } }),
    { at: ROW_AT },
  ],
  ["a version that there is none of, in the other", "zip-entry", member({ local: { version: 255 } }), { at }],
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
  ...zipCases("zip-name", NAME),
  ...zipCases("torchscript", OTHER_LAYOUTS),
]
