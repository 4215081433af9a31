/**
 * Names that differ, and are one path to some tool that extracts archives. What each tool makes of them was tried with
 * Python's zipfile, unzip, 7z and bsdtar; what Windows does is in Microsoft's "Naming Files, Paths, and Namespaces".
 */

import { type MemberSpec, text } from "../archive/zip-builder.ts"
import type { HostileCase } from "./case.ts"
import { floats } from "./checkpoint-parts.ts"
import { archive, MEMBER, membersWith, type ZipRow, zipCases } from "./zip-parts.ts"

/** Another storage, so that a tool that takes it for the first one has other weights. */
const OTHER = floats(666, 666, 666, 666)

const UTF8 = 0x0800

/** The checkpoint, and another member behind its storage. */
const beside = (...specs: readonly MemberSpec[]): Uint8Array =>
  archive({ members: membersWith(MEMBER, ...specs) })

/** The checkpoint, and another member before its storage. */
const before = (...specs: readonly MemberSpec[]): Uint8Array =>
  archive({ members: membersWith(...specs, MEMBER) })

const other = (name: string, changes: Partial<MemberSpec> = {}): MemberSpec => ({
  name,
  data: OTHER,
  flags: UTF8,
  ...changes,
})

/** What is no name for a member, wherever it stands and whatever else there is. */
const REFUSED: readonly (readonly [what: string, name: string])[] = [
  ["a dot as the last folder", "archive/data/./0"],
  ["a dot as an inner folder", "archive/./data/0"],
  ["a dot as the first folder", "./archive/data/0"],
  ["a dot as the last part", "archive/data/0/."],
  ["a dot as a folder's name", "archive/data/./"],
  ["two dots behind a dot", "archive/./../archive/data/0"],
  ["two slashes", "archive//data/0"],
  ["two slashes before the last part", "archive/data//0"],
  ["three slashes", "archive/data///0"],
  ["two slashes at the end", "archive/data//"],
  ["a dot at the end of a folder", "archive/data./0"],
  ["a dot at the end", "archive/data/0."],
  ["dots at the end", "archive/data/0..."],
  ["a blank at the end of a folder", "archive/data /0"],
  ["a blank at the end", "archive/data/0 "],
  ["a blank and a dot at the end", "archive/data/0 . "],
  ["a blank at the end of a folder's own entry", "archive/data /"],
  ["a blank as a folder", "archive/ /data/0"],
  ["dots as a folder", "archive/.../0"],
  ["a blank behind two dots", "archive/.. /data/0"],
  ["a blank behind two dots, at the top", ".. /data/0"],
  ["a stream", "archive/data/0::$DATA"],
  ["a stream with a name", "archive/data/0:0"],
  ["a stream of a folder", "archive/data:$I30:$INDEX_ALLOCATION/0"],
  ["a colon at the end", "archive/data/0:"],
  ["a drive without slash", "C:data"],
  ["a short name of Windows", "archive/BYTEOR~1"],
  ["a short name with an ending", "archive/data/WEIGHT~1.BIN"],
  ["a short name of a folder", "archive/SERIAL~12/0"],
]

const NAMES: readonly ZipRow[] = REFUSED.flatMap(([what, name]): ZipRow[] => {
  const data = name.endsWith("/") ? new Uint8Array(0) : OTHER
  const expect = { within: name }
  return [
    [`${what}, behind the member`, "zip-name", beside({ name, data }), expect],
    [`${what}, before it`, "zip-name", before({ name, data }), expect],
  ]
})

/** Each is the path of the storage, or of the member that is given with it. */
const TWINS: readonly (readonly [what: string, ...members: readonly MemberSpec[]])[] = [
  ["the storage as a folder", other("archive/data/0/x")],
  ["the storage as a folder of a folder", other("archive/data/0/x/y/z")],
  ["the storage as a folder with an entry of its own", { name: "archive/data/0/" }],
  ["the storage as a folder in another case", other("ARCHIVE/Data/0/x")],
  ["the folder of the storage as a file", other("archive/data")],
  ["the folder of the storage as a file in another case", other("archive/DATA")],
  ["the top folder as a file", other("archive")],
  ["the top folder as a file, with a blank", other("archive\u3000")],
  ["a blank at the end of the top folder", other("archive /data/0")],
  ["a dot at the end of the top folder", other("archive./data/0")],
  ["a drive before the top folder", other("C:archive/data/0")],
  ["wide letters", other("archive/ｄａｔａ/0")],
  ["a wide digit", other("archive/data/０")],
  ["a superscript digit", other("archive/data/⁰")],
  ["a slash that is another character", other("archive／data/0")],
  ["the kelvin sign", other("archive/k"), other("archive/\u212a")],
  ["the long s", other("archive/VERſION")],
  ["sharp s and two s", other("archive/weiß"), other("archive/weiss")],
  ["sharp s and its capital", other("archive/weiß"), other("archive/WEI\u1e9e")],
  ["a ligature", other("archive/file"), other("archive/ﬁle")],
  ["both small sigmas", other("archive/σς"), other("archive/ςσ")],
  ["dotless i", other("archive/i"), other("archive/\u0131")],
  ["composed and decomposed", other("archive/\u00e9"), other("archive/e\u0301")],
  ["decomposed in another case", other("archive/\u00c9"), other("archive/e\u0301")],
  ["marks in another order", other("archive/a\u0323\u0307"), other("archive/a\u0307\u0323")],
  ["the angstrom sign", other("archive/\u00e5"), other("archive/\u212b")],
  ["syllables and their letters", other("archive/\uac00"), other("archive/\u1100\u1161")],
  ["a character that nobody sees", other("archive/data/\u200c0")],
  ["a byte order mark within", other("archive/da\ufeffta/0")],
  ["a soft hyphen in the folder", other("arch\u00adive/data/0")],
  ["a no-break space at the end", other("archive/data/0\u00a0")],
  ["what some tools write as an underline", other("archive/a|b"), other("archive/a_b")],
  ["two that Windows cannot have", other("archive/a?b"), other("archive/a*b")],
  ["a file as a folder, both beyond ASCII", other("archive/é"), other("archive/e\u0301/0")],
]

const DUPLICATES: readonly ZipRow[] = TWINS.flatMap(([what, ...members]): ZipRow[] => [
  [`${what}, behind`, "zip-duplicate", beside(...members)],
  [`${what}, before`, "zip-duplicate", before(...members)],
  ...(members.length < 2
    ? []
    : ([[`${what}, the other way round`, "zip-duplicate", before(...[...members].reverse())]] as const)),
])

/** Names that are not ASCII, of which some are marked as UTF-8: the others are another name in code page 437. */
const MARKS: readonly ZipRow[] = [
  ["a name and what it is in code page 437", other("archive/\u251c\u2310"), other("archive/é", { flags: 0 })],
  ["that way round", other("archive/é", { flags: 0 }), other("archive/\u251c\u2310")],
  ["two unlike names", other("archive/é"), other("archive/ü", { flags: 0 })],
  ["in other folders", other("archive/x/é"), other("archive/y/é", { flags: 0 })],
  ["a folder's entry", { name: "archive/é/", flags: UTF8 }, other("archive/é/x", { flags: 0 })],
].map(([what, ...members]) => [
  `UTF-8 marked and not: ${what}`,
  "zip-name",
  beside(...(members as readonly MemberSpec[])),
])

const MANY_FOLDERS: readonly ZipRow[] = [
  ["a name of 2,048 folders", "zip-name", beside(other(`${"a/".repeat(2047)}b`))],
  [
    "a hundred names of 40 folders each",
    "zip-name",
    beside(
      ...Array.from({ length: 100 }, (_, i) =>
        other(`archive/${Array.from({ length: 40 }, (_, j) => `${i}.${j}`).join("/")}`),
      ),
    ),
  ],
]

/** Every case of this file. */
export const ZIP_PATHS: readonly HostileCase[] = [
  ...zipCases("zip-name", NAMES),
  ...zipCases("zip-duplicate", DUPLICATES),
  ...zipCases("zip-name", MARKS),
  ...zipCases("zip-name", MANY_FOLDERS),
]

/** Top folders that torch 2.13 makes of file names, and what these are: `v1..pt` gives `v1.`. */
export const ODD_TOP_FOLDERS: readonly (readonly [file: string, folder: string])[] = [
  ["my model .pt", "my model "],
  ["v1..pt", "v1."],
  ["model.pt .bak", "model.pt "],
  ["x:y.pt", "x:y"],
  ["epoch=3-loss:0.5.ckpt", "epoch=3-loss:0.5"],
  ["2024-01-01T10:00:00.pt", "2024-01-01T10:00:00"],
  ["CON.pt", "CON"],
  ["aux.tar.pth", "aux.tar"],
  ["*?|.pt", "*?|"],
  ["best_m~1.pt", "best_m~1"],
  [" lead.pt", " lead"],
  ["~.pt", "~"],
  ["a..b.pt", "a..b"],
]

/** Members below the top folder that look like those that are refused. */
export const NEARLY_REFUSED: readonly MemberSpec[] = [
  other("archive/a..b"),
  other("archive/.c"),
  other("archive/..d"),
  other("archive/ e f"),
  other("archive/~"),
  other("archive/g~h"),
  other("archive/longername~1"),
  other("archive/aux.py"),
  other("archive/con"),
  other('archive/i*?<>|"'),
  other("archive/日本語", { data: text("hi") }),
]
