/** One case for each way in which an archive can lie, and the code that it is refused with. */

import { crc32 } from "node:zlib"
import { deflateSync } from "fflate"
import { describe, expect, it } from "vitest"
import type { ErrorCode } from "../../src/errors/all-errors.ts"
import { DEFAULT_LIMITS, withLimits } from "../../src/limits/limits.ts"
import { open, refusal } from "./refusals.ts"
import {
  type ArchiveSpec,
  buildZip,
  descriptor,
  extraField,
  join,
  little,
  type MemberSpec,
  memberLength,
  text,
  torchArchive,
  zip64Extra,
} from "./zip-builder.ts"

const DATA = text("some bytes of a weight")
const NAME = text("archive/data/0")
const MEMBER: MemberSpec = { name: NAME, data: DATA }
const SENTINEL = 0xffffffff

const archive = (spec: Partial<ArchiveSpec>): Uint8Array => buildZip({ members: [MEMBER], ...spec })
const member = (changes: Partial<MemberSpec>): Uint8Array => archive({ members: [{ ...MEMBER, ...changes }] })
const both = (changes: Partial<MemberSpec["row"]> & object): Uint8Array =>
  member({ row: changes, local: changes })

/** Two members, the second with changes. */
const second = (changes: Partial<MemberSpec>): Uint8Array =>
  archive({
    members: [
      { name: "archive/a", data: DATA },
      { ...MEMBER, ...changes },
    ],
  })

const streamed = (bytes: Uint8Array, changes: Partial<MemberSpec> = {}): Uint8Array =>
  member({
    flags: 0x0808,
    local: { crc32: 0, storedLength: 0, byteLength: 0 },
    descriptor: bytes,
    ...changes,
  })

const CRC = crc32(DATA)
const LENGTH = DATA.length
const inner = buildZip({ members: [{ name: "other", data: text("other") }] })

const CASES: Readonly<Record<string, readonly (readonly [string, ErrorCode, Uint8Array])[]>> = {
  "end of the archive": [
    ["nothing at all", "zip-end-record", new Uint8Array(0)],
    ["three bytes", "zip-end-record", text("PK\u0003")],
    ["no archive", "zip-end-record", new Uint8Array(100_000).fill(0x41)],
    ["no directory", "zip-end-record", archive({}).subarray(0, 60)],
    ["bytes behind the end", "zip-end-record", archive({ trailing: text("x") })],
    ["a comment longer than the file", "zip-end-record", archive({ commentLength: 1 })],
    [
      "a comment shorter than what follows",
      "zip-end-record",
      archive({ comment: text("abc"), commentLength: 2 }),
    ],
    ["an archive as comment", "zip-ambiguous", archive({ comment: inner })],
    [
      "an end record in the comment that does not reach its end",
      "zip-ambiguous",
      archive({ comment: join(inner, text("!")) }),
    ],
    ["a signature at the end of the comment", "zip-ambiguous", archive({ comment: text("PK\u0005\u0006") })],
    ["a second archive behind", "zip-gap", join(archive({}), archive({ members: [{ name: "z" }] }))],
    ["a prefix", "zip-gap", join(text("#!/bin/sh\n"), archive({}))],
    ["a prefix that the offsets know of", "zip-gap", member({ before: text("#!/bin/sh\n") })],
    ["the marker PK00", "zip-gap", join(text("PK00"), archive({}))],
    ["a second disk", "zip-end-record", archive({ end: { disk: 1 } })],
    ["a directory on another disk", "zip-end-record", archive({ end: { directoryDisk: 1 } })],
    ["fewer entries on this disk", "zip-end-record", archive({ end: { entriesOnDisk: 0 } })],
    ["an entry too few", "zip-end-record", archive({ end: { entryCount: 0, entriesOnDisk: 0 } })],
    ["an entry too many", "zip-end-record", archive({ end: { entryCount: 2, entriesOnDisk: 2 } })],
    ["bytes behind the entries", "zip-end-record", archive({ afterRows: text("more") })],
    ["a directory that is too short", "zip-gap", archive({ end: { directoryLength: 59 } })],
    ["a directory that is too long", "zip-end-record", archive({ end: { directoryLength: 61 } })],
    ["a directory of 4 GiB", "zip-end-record", archive({ end: { directoryLength: SENTINEL - 1 } })],
    ["a directory that begins early", "zip-gap", archive({ end: { directoryOffset: 0 } })],
    ["bytes before the directory", "zip-gap", archive({ beforeDirectory: text("hidden") })],
    [
      "65,600 bytes before the directory",
      "zip-gap",
      archive({ beforeDirectory: new Uint8Array(70_000).fill(0x41) }),
    ],
    ["bytes behind the directory", "zip-gap", archive({ afterDirectory: text("hidden") })],
    [
      "bytes between directory and ZIP64 record",
      "zip-gap",
      archive({ afterDirectory: text("hidden"), zip64: {} }),
    ],
    [
      "hidden bytes as the only member",
      "zip-gap",
      archive({ members: [{ ...MEMBER, hidden: true }], end: {} }),
    ],
  ],
  ZIP64: [
    ["a locator that points elsewhere", "zip64", archive({ zip64: {}, locator: { offset: 0n } })],
    ["a locator past the file", "zip64", archive({ zip64: {}, locator: { offset: 2n ** 63n } })],
    ["a locator of another disk", "zip64", archive({ zip64: {}, locator: { disk: 1 } })],
    ["two disks", "zip64", archive({ zip64: {}, locator: { disks: 2 } })],
    ["a record of another length", "zip64", archive({ zip64: { recordLength: 45n } })],
    ["a record of 2^64 bytes", "zip64", archive({ zip64: { recordLength: 2n ** 64n - 1n } })],
    ["another count", "zip64", archive({ zip64: { entryCount: 2, entriesOnDisk: 2 } })],
    [
      "a count that only ZIP64 has",
      "zip-end-record",
      archive({
        zip64: { entryCount: 2, entriesOnDisk: 2 },
        end: { entryCount: 0xffff, entriesOnDisk: 0xffff },
      }),
    ],
    ["another directory length", "zip64", archive({ zip64: { directoryLength: 1 } })],
    ["another directory offset", "zip64", archive({ zip64: { directoryOffset: 1 } })],
    [
      "a directory offset of 2^53",
      "zip64",
      archive({ zip64: { directoryOffset: 2 ** 53 }, end: { directoryOffset: SENTINEL } }),
    ],
    ["a reference without record", "zip64", archive({ end: { directoryOffset: SENTINEL } })],
    ["a length reference without record", "zip64", archive({ end: { directoryLength: SENTINEL } })],
    [
      "a locator without record",
      "zip64",
      archive({
        afterDirectory: join(little(4, 0x07064b50), little(4, 0), little(8, 62), little(4, 1)),
      }),
    ],
    [
      "a locator as the whole file",
      "zip64",
      join(little(4, 0x07064b50), new Uint8Array(12), little(4, 1), emptyEnd()),
    ],
    ["a size without extra field", "zip64", both({ storedLength: SENTINEL, byteLength: SENTINEL })],
    ["a header offset without extra field", "zip64", member({ row: { offset: SENTINEL } })],
    ["a local size without value", "zip64", member({ local: { byteLength: SENTINEL, extra: zip64Extra() } })],
    ["a size of 2^63", "zip64", member({ row: { ...wide(2n ** 63n, 2n ** 63n) } })],
    ["a size of 2^53 + 1", "zip64", member({ row: { ...wide(2n ** 53n + 1n, 2n ** 53n + 1n) } })],
    [
      "two extra fields",
      "zip64",
      member({
        row: { ...wide(LENGTH, LENGTH), extra: join(zip64Extra(LENGTH, LENGTH), zip64Extra(1, 1)) },
      }),
    ],
    ["values that nothing refers to", "zip64", member({ row: { extra: zip64Extra(LENGTH, LENGTH) } })],
    ["a local value that is another one", "zip64", member({ local: { extra: zip64Extra(999) } })],
    ["a local zero without descriptor", "zip-mismatch", member({ local: wide(0, 0) })],
    ["an extra field of odd length", "zip64", member({ row: { extra: extraField(1, new Uint8Array(7)) } })],
    [
      "an extra field that is too long",
      "zip64",
      member({ row: { extra: extraField(1, new Uint8Array(32)) } }),
    ],
    [
      "another disk in the extra field",
      "zip64",
      member({ row: { disk: 0xffff, extra: extraField(1, little(4, 7)) } }),
    ],
  ],
  "directory entries": [
    ["another signature", "zip-entry", member({ row: { signature: 0x02014b51 } })],
    ["another local signature", "zip-entry", member({ local: { signature: 0x04034b51 } })],
    ["a name that leaves the directory", "zip-entry", member({ row: { nameLength: 0xffff } })],
    ["an extra field that leaves the directory", "zip-entry", member({ row: { extraLength: 40 } })],
    ["a disk", "zip-entry", member({ row: { disk: 1 } })],
    ["a disk reference without ZIP64", "zip-entry", member({ row: { disk: 0xffff } })],
    ["a symbolic link", "zip-entry", member({ row: { attributes: 0xa1ff0000 } })],
    ["a file with the folder bit of DOS", "zip-entry", member({ row: { attributes: 0x10 } })],
    ["a folder that holds bytes", "zip-entry", member({ name: "archive/" })],
    ["stored with two sizes", "zip-entry", both({ byteLength: LENGTH + 1 })],
    ["stray bytes in an extra field", "zip-entry", both({ extra: Uint8Array.of(1, 2, 3) })],
    ["an extra field that is too short", "zip-entry", both({ extra: Uint8Array.of(1, 2, 9, 0, 1) })],
    ["a header offset past the directory", "zip-overlap", second({ row: { offset: 10_000 } })],
    ["a header offset into another member", "zip-overlap", second({ row: { offset: 45 } })],
    ["an empty member with a checksum", "zip-mismatch", member({ data: text(""), row: { crc32: 5 } })],
  ],
  methods: [1, 9, 12, 14, 93, 95, 98, 99, 0xffff].map((m) => [`${m}`, "zip-method", both({ method: m })]),
  "flag bits": [0x0001, 0x0010, 0x0020, 0x0040, 0x0080, 0x1000, 0x2000, 0x8000].flatMap((bit) => [
    [`0x${bit.toString(16)} in both`, "zip-flags", both({ flags: bit })] as const,
    [`0x${bit.toString(16)} in the directory`, "zip-flags", member({ row: { flags: bit } })] as const,
    [`0x${bit.toString(16)} beside the data`, "zip-flags", member({ local: { flags: bit } })] as const,
  ]),
  "local header against directory": [
    ["another name", "zip-mismatch", member({ local: { name: text("archive/data/1") } })],
    ["a longer name", "zip-mismatch", member({ local: { name: text("archive/data/00") } })],
    ["another case", "zip-mismatch", member({ local: { name: text("archive/Data/0") } })],
    ["another method", "zip-mismatch", member({ local: { method: 8 } })],
    ["another checksum", "zip-mismatch", member({ local: { crc32: 1 } })],
    ["no checksum without descriptor", "zip-mismatch", member({ local: { crc32: 0 } })],
    ["another stored size", "zip-mismatch", member({ local: { storedLength: 1 } })],
    ["another size", "zip-mismatch", member({ local: { byteLength: 1 } })],
    ["UTF-8 in one only", "zip-mismatch", member({ local: { flags: 0x0800 } })],
    ["a descriptor flag in one only", "zip-mismatch", member({ local: { flags: 0x0008 } })],
    ["an extra field length too long", "zip-overlap", member({ local: { extraLength: 4 } })],
    ["an extra field length of 64 KiB", "zip-overlap", member({ local: { extraLength: 0xffff } })],
    [
      "an extra field length too short",
      "zip-gap",
      member({ local: { extra: extraField(7, text("x")), extraLength: 0 } }),
    ],
  ],
  "data descriptors": [
    ["missing", "zip-mismatch", streamed(new Uint8Array(0))],
    ["another checksum", "zip-mismatch", streamed(descriptor(CRC ^ 1, LENGTH, LENGTH))],
    ["no checksum", "zip-mismatch", streamed(descriptor(0, LENGTH, LENGTH))],
    ["another stored size", "zip-mismatch", streamed(descriptor(CRC, LENGTH + 1, LENGTH))],
    ["another size", "zip-mismatch", streamed(descriptor(CRC, LENGTH, LENGTH + 1))],
    ["another signature", "zip-mismatch", streamed(join(little(4, 1), little(8, 0), little(4, 0)))],
    ["cut off", "zip-gap", streamed(descriptor(CRC, LENGTH, LENGTH).subarray(0, 15))],
    ["too long", "zip-gap", streamed(join(descriptor(CRC, LENGTH, LENGTH), text("x")))],
    ["without its flag", "zip-gap", member({ descriptor: descriptor(CRC, LENGTH, LENGTH) })],
    [
      "another local checksum",
      "zip-mismatch",
      streamed(descriptor(CRC, LENGTH, LENGTH), { local: { crc32: 7, storedLength: 0, byteLength: 0 } }),
    ],
    [
      "another local size",
      "zip-mismatch",
      streamed(descriptor(CRC, LENGTH, LENGTH), { local: { crc32: 0, storedLength: 7, byteLength: 0 } }),
    ],
    [
      "8 bytes a size, wrong",
      "zip-mismatch",
      streamed(join(little(4, 0x08074b50), little(4, CRC), little(8, LENGTH), little(8, 9))),
    ],
    ["of an empty member, wrong", "zip-mismatch", streamed(descriptor(1, 0, 0), { data: text("") })],
  ],
  "gaps and overlaps": [
    ["a gap between members", "zip-gap", second({ before: text("hidden") })],
    ["a gap of 200 KB", "zip-gap", second({ before: new Uint8Array(200_000) })],
    [
      "a member that is not in the directory",
      "zip-gap",
      archive({ members: [{ name: "a" }, { name: "b", data: DATA, hidden: true }, { name: "c" }] }),
    ],
    [
      "the same header twice",
      "zip-overlap",
      archive({
        members: [
          { name: "a", data: DATA },
          { name: "b", data: DATA, row: { offset: 0 } },
        ],
      }),
    ],
    [
      "a member that holds the next one",
      "zip-overlap",
      archive({
        members: [
          { ...MEMBER, local: sizes(LENGTH + 53), row: sizes(LENGTH + 53) },
          { name: "b", data: DATA },
        ],
      }),
    ],
    [
      "a member that reaches into the directory",
      "zip-overlap",
      both({ storedLength: LENGTH + 10, byteLength: LENGTH + 10 }),
    ],
    ["a member of 4 GiB", "zip-overlap", both({ storedLength: SENTINEL - 1, byteLength: SENTINEL - 1 })],
    ["a member of 2^53 - 1 bytes", "zip-overlap", member({ row: wide(2n ** 53n - 1n, 2n ** 53n - 1n) })],
    ["a quoted header", "zip-overlap", quotedOverlap()],
  ],
  duplicates: [
    ["the same name", "zip-duplicate", archive({ members: [MEMBER, MEMBER] })],
    ["case twins", "zip-duplicate", archive({ members: [MEMBER, { name: "Archive/DATA/0" }] })],
    ["twins beyond ASCII", "zip-duplicate", archive({ members: [{ name: "ä" }, { name: "Ä" }] })],
    ["a folder twice", "zip-duplicate", archive({ members: [{ name: "a/" }, { name: "a/" }] })],
  ],
  names: (
    [
      ["parent folder", "archive/../etc/passwd"],
      ["parent folder first", "../a"],
      ["parent folder last", "archive/.."],
      ["absolute", "/etc/passwd"],
      ["backslash", "archive\\data"],
      ["drive letter", "C:archive"],
      ["NUL", "archive/data\0"],
      ["line feed", "archive/\n"],
      ["escape", "archive/\u001b[2J"],
      ["delete", "archive/\u007f"],
      ["C1 control", "archive/\u009b2J"],
      ["empty", ""],
      ["4,097 bytes", "a".repeat(4097)],
      ["60,000 bytes", "a".repeat(60_000)],
    ] as const
  )
    .map(([what, name]): readonly [string, ErrorCode, Uint8Array] => [what, "zip-name", member({ name })])
    .concat([
      ["not UTF-8", "zip-name", member({ name: Uint8Array.of(0x61, 0xff, 0xfe) })],
      ["a surrogate as UTF-8", "zip-name", member({ name: Uint8Array.of(0xed, 0xa0, 0x80) })],
      ["cut off UTF-8", "zip-name", member({ name: Uint8Array.of(0x61, 0xc3) })],
      ["another name in a Unicode Path field", "zip-name", both({ extra: unicodePath("archive/data/1") })],
      ["another name there, local only", "zip-name", member({ local: { extra: unicodePath("x") } })],
    ]),
}

function emptyEnd(): Uint8Array {
  return join(little(4, 0x06054b50), new Uint8Array(18))
}

function sizes(length: number): { storedLength: number; byteLength: number } {
  return { storedLength: length, byteLength: length }
}

/** Sizes that refer to a ZIP64 field. */
function wide(
  byteLength: number | bigint,
  storedLength: number | bigint,
): Partial<MemberSpec["row"]> & object {
  return { ...sizes(SENTINEL), extra: zip64Extra(byteLength, storedLength) }
}

function unicodePath(name: string): Uint8Array {
  return extraField(0x7075, join(Uint8Array.of(1), little(4, crc32(NAME)), text(name)))
}

/** A bomb of Fifield's kind: a deflated member quotes the next one's header in a stored block, and shares its data. */
function quotedOverlap(): Uint8Array {
  const kernel: MemberSpec = { name: "b", data: new Uint8Array(1000), method: 8 }
  const header = memberLength(kernel) - deflateSync(new Uint8Array(1000)).length
  const quote = join(Uint8Array.of(0), little(2, header), little(2, ~header & 0xffff))
  const shared = quote.length + memberLength(kernel)
  const changes = { storedLength: shared, byteLength: header + 1000 }
  return buildZip({
    members: [{ name: "a", method: 8, stored: quote, local: changes, row: changes }, kernel],
  })
}

describe.each(Object.entries(CASES))("%s", (_, cases) => {
  it.each(cases)("refuses %s with %s", async (_what, code, bytes) => {
    const error = await refusal(open(bytes))
    expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `))
    expect(error.message).toMatchSnapshot()
  })
})

describe("messages", () => {
  it("call a partial download by its name", async () => {
    const whole = torchArchive({ "a/data.pkl": text("pickle"), "a/data/0": new Uint8Array(200_000) })
    for (const length of [100, 70_000, whole.length - 200, whole.length - 22]) {
      const error = await refusal(open(whole.subarray(0, length)))
      expect(error.code).toBe("zip-end-record")
      expect(error.message).toContain(`incomplete (a partial download?), it ends after ${length} bytes`)
    }
  })

  it("never show raw text from the file", async () => {
    const error = await refusal(open(member({ name: "a\u001b[2J\u202e/\u0007" })))
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it("say where: the member and the offset of the header that lies", async () => {
    const error = await refusal(open(second({ local: { crc32: 1 } })))
    expect(error.detail).toMatchObject({ within: "archive/data/0", at: 30 + 9 + LENGTH })
  })
})

describe("limits", () => {
  it("are compared before the directory is read", async () => {
    const bytes = archive({ members: [{ name: "a" }, { name: "b" }] })
    const count = await refusal(open(bytes, withLimits({ maxZipEntries: 1 })))
    expect(count).toMatchObject({ code: "limit-exceeded", detail: { limit: "maxZipEntries", wanted: 2 } })
    const length = await refusal(open(bytes, withLimits({ maxZipDirectoryBytes: 93 })))
    expect(length).toMatchObject({ code: "limit-exceeded", detail: { wanted: 94 } })
    expect((await open(bytes, withLimits({ maxZipEntries: 2, maxZipDirectoryBytes: 94 }))).entries.size).toBe(
      2,
    )
  })

  it("do not allow a count that the directory has no room for", async () => {
    const many = { entryCount: 1_999_999, entriesOnDisk: 1_999_999 }
    const bytes = archive({ zip64: many, end: { entryCount: 0xffff, entriesOnDisk: 0xffff } })
    const error = await refusal(open(bytes, DEFAULT_LIMITS))
    expect(error.code).toBe("zip-end-record")
    expect(error.message).toContain("1999999 entries do not fit")
  })
})
