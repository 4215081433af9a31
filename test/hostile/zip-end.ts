/** Archives that are cut off, hidden in other files, or lie about where they end. */

import { buildZip, extraField, join, little, text, zip64Extra } from "../archive/zip-builder.ts"
import type { HostileCase } from "./case.ts"
import {
  archive,
  both,
  DIRECTORY_AT,
  DIRECTORY_END,
  LENGTH,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  SENTINEL,
  sizes,
  wide,
  type ZipRow,
  zipCases,
} from "./zip-parts.ts"

const WHOLE = archive()
const SIZE = WHOLE.length
const inner = buildZip({ members: [{ name: "other/data.pkl", data: text("other") }] })
const ZIP64_BYTES = 76

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

const count = (entryCount: number) => ({ entryCount, entriesOnDisk: entryCount })

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

const LONG = archive({ zip64: {} })
/** The ZIP64 archive with these bytes at an offset behind the directory. */
const patched = (offset: number, ...bytes: readonly number[]): Uint8Array => {
  const copy = LONG.slice()
  copy.set(bytes, DIRECTORY_END + offset)
  return copy
}

const ZIP64: readonly ZipRow[] = [
  [
    "a locator that points to the start",
    "zip64",
    archive({ zip64: {}, locator: { offset: 0n } }),
    { at: DIRECTORY_END + 56 },
  ],
  [
    "a locator one byte off",
    "zip64",
    archive({ zip64: {}, locator: { offset: BigInt(DIRECTORY_END) + 1n } }),
  ],
  ["a locator past the file", "zip64", archive({ zip64: {}, locator: { offset: 2n ** 63n } })],
  ["a locator of another disk", "zip64", archive({ zip64: {}, locator: { disk: 1 } })],
  ["a locator of two disks", "zip64", archive({ zip64: {}, locator: { disks: 2 } })],
  ["a locator of no disks", "zip64", archive({ zip64: {}, locator: { disks: 0 } })],
  ["a locator with another signature, so that the record is hidden", "zip-gap", patched(56, 0x51)],
  ["a record with another signature", "zip64", patched(0, 0x51)],
  ["a record one byte longer", "zip64", archive({ zip64: { recordLength: 45n } })],
  ["a record one byte shorter", "zip64", archive({ zip64: { recordLength: 43n } })],
  ["a record of 2^64 - 1 bytes", "zip64", archive({ zip64: { recordLength: 2n ** 64n - 1n } })],
  ["another disk", "zip64", archive({ zip64: { disk: 1 } })],
  ["another disk of the directory", "zip64", archive({ zip64: { directoryDisk: 1 } })],
  [
    "another disk, which the end record refers to",
    "zip-end-record",
    archive({ zip64: { disk: 1 }, end: { disk: 0xffff } }),
  ],
  ["more entries", "zip64", archive({ zip64: count(5) })],
  ["more entries on this disk alone", "zip64", archive({ zip64: { entriesOnDisk: 5 } })],
  [
    "more entries, which the end record refers to",
    "zip-end-record",
    archive({ zip64: count(5), end: count(0xffff) }),
  ],
  [
    "2^53 entries, which the end record refers to",
    "zip64",
    archive({ zip64: count(2 ** 53), end: count(0xffff) }),
  ],
  [
    "1,999,999 entries that the directory has no room for",
    "zip-end-record",
    archive({ zip64: count(1_999_999), end: count(0xffff) }),
  ],
  ["another directory length", "zip64", archive({ zip64: { directoryLength: 1 } })],
  [
    "a directory length of 2^53",
    "zip64",
    archive({ zip64: { directoryLength: 2 ** 53 }, end: { directoryLength: SENTINEL } }),
  ],
  ["another directory offset", "zip64", archive({ zip64: { directoryOffset: 1 } })],
  [
    "a directory offset of 2^53",
    "zip64",
    archive({ zip64: { directoryOffset: 2 ** 53 }, end: { directoryOffset: SENTINEL } }),
  ],
  [
    "a directory offset that wraps with its length",
    "zip-end-record",
    archive({
      zip64: { directoryOffset: Number.MAX_SAFE_INTEGER },
      end: { directoryOffset: SENTINEL },
    }),
  ],
  [
    "an offset that refers to no record",
    "zip64",
    archive({ end: { directoryOffset: SENTINEL } }),
    { at: DIRECTORY_END },
  ],
  ["a length that refers to no record", "zip64", archive({ end: { directoryLength: SENTINEL } })],
  [
    "a locator without a record",
    "zip64",
    archive({
      afterDirectory: join(little(4, 0x07064b50), little(4, 0), little(8, DIRECTORY_END), little(4, 1)),
    }),
  ],
  [
    "two records, one behind the other",
    "zip-gap",
    archive({
      afterDirectory: LONG.subarray(DIRECTORY_END, DIRECTORY_END + ZIP64_BYTES),
      zip64: {},
    }),
  ],
  ["a size without field", "zip64", both(sizes(SENTINEL))],
  ["a header offset without field", "zip64", member({ row: { offset: SENTINEL } })],
  ["a local size without value", "zip64", member({ local: { byteLength: SENTINEL, extra: zip64Extra() } })],
  ["a size of 2^63", "zip64", member({ row: wide(2n ** 63n, 2n ** 63n) })],
  ["a size of 2^53 + 1", "zip64", member({ row: wide(2n ** 53n + 1n, 2n ** 53n + 1n) })],
  [
    "a header offset of 2^64 - 1",
    "zip64",
    member({ row: { offset: SENTINEL, extra: zip64Extra(2n ** 64n - 1n) } }),
  ],
  [
    "two fields, of which the second is right",
    "zip64",
    member({
      row: { ...wide(1, 1), extra: join(zip64Extra(1, 1), zip64Extra(LENGTH, LENGTH)) },
    }),
  ],
  [
    "two fields that say the same",
    "zip64",
    member({
      row: { ...wide(LENGTH, LENGTH), extra: join(zip64Extra(LENGTH, LENGTH), zip64Extra(LENGTH, LENGTH)) },
    }),
  ],
  ["values that nothing refers to", "zip64", member({ row: { extra: zip64Extra(LENGTH, LENGTH) } })],
  ["a local value that is another one", "zip64", member({ local: { extra: zip64Extra(999) } })],
  ["a local zero without descriptor", "zip-mismatch", member({ local: wide(0, 0) })],
  ["a field of seven bytes", "zip64", member({ row: { extra: extraField(1, new Uint8Array(7)) } })],
  ["a field of 32 bytes", "zip64", member({ row: { extra: extraField(1, new Uint8Array(32)) } })],
  ["a disk in the field", "zip64", member({ row: { disk: 0xffff, extra: extraField(1, little(4, 7)) } })],
]

/** Every case of this file. */
export const ZIP_END: readonly HostileCase[] = [
  ...zipCases("zip-cut", CUT),
  ...zipCases("zip-prefix", PREFIX),
  ...zipCases("zip-trailing", TRAILING),
  ...zipCases("zip-comment", COMMENT),
  ...zipCases("zip-gap", GAP),
  ...zipCases("zip-end", END),
  ...zipCases("zip64", ZIP64),
]
