/** Archives that are cut off, hidden in other files, or lie about where they end. */

import { buildZip, extraField, join, little, text } from "../archive/zip-builder.ts"
import type { HostileCase } from "./case.ts"
import {
  archive,
  DIRECTORY_AT,
  DIRECTORY_END,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  SENTINEL,
  type ZipRow,
  zipCases,
} from "./zip-parts.ts"

const WHOLE = archive()
const SIZE = WHOLE.length
const inner = buildZip({ members: [{ name: "other/data.pkl", data: text("other") }] })

/** An end record in the place of the weights of the last member: its comment reaches to the end of the file. */
const fakeEnd = join(little(4, 0x06054b50), new Uint8Array(16), little(2, DIRECTORY_END - DIRECTORY_AT + 22))

const CUT: readonly ZipRow[] = [
  ["in the first local header", "zip-end-record", WHOLE.subarray(0, 20)],
  ["behind the first local header's signature", "zip-end-record", WHOLE.subarray(0, 4)],
  ["in a storage", "zip-end-record", WHOLE.subarray(0, MEMBER_AT + 50)],
  ["before the directory", "zip-end-record", WHOLE.subarray(0, DIRECTORY_AT)],
  ["in the directory", "zip-end-record", WHOLE.subarray(0, DIRECTORY_AT + 70)],
  ["before the end record", "zip-end-record", WHOLE.subarray(0, DIRECTORY_END), { at: DIRECTORY_END }],
  ["by one byte", "zip-end-record", WHOLE.subarray(0, SIZE - 1)],
  ["by the end record of a ZIP64 archive", "zip-end-record", archive({ zip64: {} }).subarray(0, -22)],
  [
    "with 70,000 zeros in the place of its end",
    "zip-end-record",
    join(WHOLE.subarray(0, DIRECTORY_AT), new Uint8Array(70_000)),
  ],
  ["to three bytes", "not-a-checkpoint", WHOLE.subarray(0, 3)],
]

const PREFIX: readonly ZipRow[] = [
  ["a script", "not-a-checkpoint", join(text("#!/bin/sh\n"), WHOLE)],
  ["the marker PK00", "not-a-checkpoint", join(text("PK00"), WHOLE)],
  ["a GIF", "not-a-checkpoint", join(text("GIF89a"), WHOLE)],
  [
    "a script that the offsets know of",
    "not-a-checkpoint",
    buildZip({ members: [{ ...MEMBER, before: text("#!/bin/sh\n") }] }),
  ],
  ["another archive's first header", "zip-gap", join(inner.subarray(0, 49), WHOLE)],
  [
    "a first header that the offsets know of",
    "zip-gap",
    archive({
      members: membersWith(MEMBER).map((spec, i) =>
        i === 0 ? { ...spec, before: inner.subarray(0, 49) } : spec,
      ),
    }),
    { at: 0 },
  ],
  ["the marker of split archives", "not-a-checkpoint", join(text("PK\u0007\u0008"), WHOLE)],
]

const TRAILING: readonly ZipRow[] = [
  ["one byte", "zip-end-record", archive({ trailing: text("x") })],
  ["a line feed", "zip-end-record", archive({ trailing: text("\n") })],
  [
    "64 KiB of zeros, so that the end record is out of reach",
    "zip-end-record",
    archive({ trailing: new Uint8Array(70_000) }),
  ],
  ["a comment one byte longer than the file", "zip-end-record", archive({ commentLength: 1 })],
  ["a comment of 64 KiB that is not there", "zip-end-record", archive({ commentLength: 0xffff })],
  [
    "a comment one byte shorter than what follows",
    "zip-end-record",
    archive({ comment: text("abc"), commentLength: 2 }),
  ],
  ["a pickle", "zip-end-record", archive({ trailing: text("\u0080\u0002N.") })],
]

const COMMENT: readonly ZipRow[] = [
  ["an archive as comment", "zip-ambiguous", archive({ comment: inner })],
  ["an archive as comment that ends early", "zip-ambiguous", archive({ comment: join(inner, text("!")) })],
  ["a signature as the whole comment", "zip-ambiguous", archive({ comment: text("PK\u0005\u0006") })],
  [
    "a signature in the middle of a comment",
    "zip-ambiguous",
    archive({ comment: text(`before PK\u0005\u0006 ${"after".repeat(9)}`) }),
  ],
  [
    "an end record that says as much comment as is left",
    "zip-ambiguous",
    archive({
      comment: join(little(4, 0x06054b50), new Uint8Array(16), little(2, 3), text("abc")),
    }),
  ],
  [
    "an end record as weights, whose comment is all that follows",
    "zip-ambiguous",
    archive({ members: [...membersWith(), { ...MEMBER, data: fakeEnd }] }),
  ],
  ["a second archive behind", "zip-gap", join(WHOLE, inner)],
  ["the same archive twice", "zip-gap", join(WHOLE, WHOLE)],
]

const GAP: readonly ZipRow[] = [
  ["between members", "zip-gap", member({ before: text("hidden") })],
  ["between members, 200 KB", "zip-gap", member({ before: new Uint8Array(200_000) })],
  [
    "between members, a member that the directory leaves out",
    "zip-gap",
    archive({
      members: membersWith({ name: "archive/hidden", data: text("hidden"), hidden: true }, MEMBER),
    }),
  ],
  ["before the directory", "zip-gap", archive({ beforeDirectory: text("hidden") })],
  ["before the directory, 70,000 bytes", "zip-gap", archive({ beforeDirectory: new Uint8Array(70_000) })],
  ["behind the directory", "zip-gap", archive({ afterDirectory: text("hidden") }), { at: DIRECTORY_END }],
  [
    "between directory and ZIP64 record",
    "zip-gap",
    archive({ afterDirectory: text("hidden"), zip64: {} }),
    { at: DIRECTORY_END },
  ],
  ["behind the data of a member", "zip-gap", member({ descriptor: text("hidden") })],
  ["a descriptor without its flag", "zip-gap", member({ descriptor: new Uint8Array(16) })],
  [
    "a local extra field that the header does not count",
    "zip-gap",
    member({
      local: { extra: extraField(7, text("x")), extraLength: 0 },
    }),
  ],
  [
    "before the first member, by an offset",
    "zip-gap",
    archive({
      members: membersWith(MEMBER).map((spec, i) => (i === 0 ? { ...spec, row: { offset: 10 } } : spec)),
    }),
  ],
]

export const count = (entryCount: number) => ({ entryCount, entriesOnDisk: entryCount })

const END: readonly ZipRow[] = [
  ["another disk", "zip-end-record", archive({ end: { disk: 1 } }), { at: DIRECTORY_END }],
  ["the directory on another disk", "zip-end-record", archive({ end: { directoryDisk: 1 } })],
  [
    "both on disk 65,535, without ZIP64",
    "zip-end-record",
    archive({ end: { disk: 0xffff, directoryDisk: 0xffff } }),
  ],
  ["fewer entries on this disk", "zip-end-record", archive({ end: { entriesOnDisk: 3 } })],
  ["more entries on this disk", "zip-end-record", archive({ end: { entriesOnDisk: 5 } })],
  ["an entry too few", "zip-end-record", archive({ end: count(3) })],
  ["an entry too many", "zip-end-record", archive({ end: count(5) })],
  ["no entries", "zip-end-record", archive({ end: count(0) })],
  ["65,535 entries without ZIP64", "zip-end-record", archive({ end: count(0xffff) })],
  [
    "a directory one byte too short",
    "zip-gap",
    archive({ end: { directoryLength: DIRECTORY_END - DIRECTORY_AT - 1 } }),
  ],
  [
    "a directory one byte too long",
    "zip-end-record",
    archive({ end: { directoryLength: DIRECTORY_END - DIRECTORY_AT + 1 } }),
  ],
  ["a directory of 4 GiB", "zip-end-record", archive({ end: { directoryLength: SENTINEL - 1 } })],
  [
    "a directory that begins a byte early",
    "zip-gap",
    archive({ end: { directoryOffset: DIRECTORY_AT - 1 } }),
  ],
  [
    "a directory that begins a byte late",
    "zip-end-record",
    archive({ end: { directoryOffset: DIRECTORY_AT + 1 } }),
  ],
  ["a directory that begins at 0", "zip-gap", archive({ end: { directoryOffset: 0 } })],
  [
    "a directory that begins past the file",
    "zip-end-record",
    archive({ end: { directoryOffset: SENTINEL - 1 } }),
  ],
  [
    "offset and length shifted against one another",
    "zip-entry",
    archive({
      end: { directoryOffset: DIRECTORY_AT - 1, directoryLength: DIRECTORY_END - DIRECTORY_AT + 1 },
    }),
  ],
  [
    "bytes behind the entries, in the directory",
    "zip-end-record",
    archive({ afterRows: text("more") }),
    { at: DIRECTORY_END },
  ],
  ["another signature in a row", "zip-entry", member({ row: { signature: 0x02014b51 } })],
  ["a name that leaves the directory", "zip-entry", member({ row: { nameLength: 0xffff } })],
  ["an extra field that leaves the directory", "zip-entry", member({ row: { extraLength: 0xffff } })],
  ["a comment that leaves the directory", "zip-entry", member({ row: { commentLength: 0xffff } })],
  ["a comment that reaches into the next row", "zip-entry", member({ row: { commentLength: 1 } })],
]

/** Every case of this file. */
export const ZIP_END: readonly HostileCase[] = [
  ...zipCases("zip-cut", CUT),
  ...zipCases("zip-prefix", PREFIX),
  ...zipCases("zip-trailing", TRAILING),
  ...zipCases("zip-comment", COMMENT),
  ...zipCases("zip-gap", GAP),
  ...zipCases("zip-end", END),
]
