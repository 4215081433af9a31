/** Archives that must open, member by member. */

import { crc32 } from "node:zlib"
import { describe, expect, it } from "vitest"
import { readZip } from "../../src/archive/read-zip.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { readExtent } from "../../src/bytes/read-extent.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { depth } from "../depth.ts"
import { open, refusal } from "./refusals.ts"
import {
  buildZip,
  descriptor,
  extraField,
  join,
  little,
  type MemberSpec,
  text,
  torchArchive,
  zip64Extra,
} from "./zip-builder.ts"

const DATA = text("some bytes of a weight")

async function contents(bytes: Uint8Array): Promise<Record<string, string>> {
  const archive = await open(bytes)
  const pairs = archive.entries.values().map(async (extent) => {
    return [extent.name, new TextDecoder().decode(await readExtent(extent))] as const
  })
  return Object.fromEntries(await Promise.all(pairs))
}

const one = (member: Partial<MemberSpec>): Uint8Array =>
  buildZip({ members: [{ name: "archive/data/0", data: DATA, ...member }] })

describe("readZip", () => {
  it("opens an archive with the layout that torch writes", async () => {
    const archive = await open(
      torchArchive({ "a/data.pkl": text("pickle"), "a/data/0": DATA, "a/data/1": new Uint8Array(0) }),
    )
    expect([...archive.entries.keys()]).toEqual(["a/data.pkl", "a/data/0", "a/data/1"])
    expect(archive.hasChecksums).toBe(true)
    const extent = archive.entries.get("a/data/0")
    expect(extent).toMatchObject({ storedLength: 22, byteLength: 22, coding: "stored", crc32: crc32(DATA) })
    expect((extent?.offset ?? 1) % 64).toBe(0)
    expect(await readExtent(extent as NonNullable<typeof extent>)).toEqual(DATA)
  })

  it("takes the data offset from the local header", async () => {
    const extra = extraField(0x4246, new Uint8Array(1000).fill(0x5a))
    const archive = await open(one({ local: { extra } }))
    expect(archive.entries.get("archive/data/0")?.offset).toBe(30 + 14 + 1004)
  })

  it("opens a deflated member", async () => {
    expect(await contents(one({ method: 8, flags: 0x0002 }))).toEqual({
      "archive/data/0": "some bytes of a weight",
    })
  })

  it("opens an archive without members", async () => {
    const archive = await open(buildZip({ members: [] }))
    expect(archive.entries.size).toBe(0)
    expect(archive.hasChecksums).toBe(true)
  })

  it("opens an archive with a comment", async () => {
    const bytes = buildZip({ members: [{ name: "a", data: DATA }], zip64: {}, comment: text("made by hand") })
    expect(Object.keys(await contents(bytes))).toEqual(["a"])
    const longest = new Uint8Array(65_535).fill(0x20)
    const large = buildZip({ members: [{ name: "a", data: DATA }], zip64: {}, comment: longest })
    expect(Object.keys(await contents(large))).toEqual(["a"])
  })

  it("leaves folders out, and comments and dates aside", async () => {
    const bytes = buildZip({
      members: [{ name: "a/" }, { name: "a/x", data: DATA, row: { comment: text("a comment") } }],
    })
    expect(Object.keys(await contents(bytes))).toEqual(["a/x"])
  })

  it("keeps the order of the directory when members lie in another one", async () => {
    const [first, second] = [text("first"), text("second!")]
    const bytes = buildZip({
      members: [
        { name: "b", data: first, row: { name: text("a"), offset: 36, crc32: crc32(second), ...sizes(7) } },
        { name: "a", data: second, row: { name: text("b"), offset: 0, crc32: crc32(first), ...sizes(5) } },
      ],
    })
    expect(Object.entries(await contents(bytes))).toEqual([
      ["a", "second!"],
      ["b", "first"],
    ])
  })

  it("drops checksums when none was written", async () => {
    const none = { crc32: 0 }
    const archive = await open(
      buildZip({
        members: [
          { name: "a", data: DATA, row: none, local: none },
          { name: "b", data: text("x"), row: none, local: none },
        ],
      }),
    )
    expect(archive.hasChecksums).toBe(false)
    expect([...archive.entries.values()].map((extent) => extent.crc32)).toEqual([undefined, undefined])
  })

  it("keeps a CRC of 0 where other members have real ones", async () => {
    const none = { crc32: 0 }
    const archive = await open(
      buildZip({
        members: [
          { name: "a", data: DATA, row: none, local: none },
          { name: "b", data: text("x") },
        ],
      }),
    )
    expect(archive.hasChecksums).toBe(true)
    const extent = archive.entries.get("a")
    const error = await refusal(readExtent(extent as NonNullable<typeof extent>))
    expect(error).toMatchObject({
      code: "checksum",
      detail: { within: "a", expected: 0, actual: crc32(DATA) },
    })
  })

  it("accepts names in UTF-8, and a Unicode Path field that repeats them", async () => {
    const name = text("modèle/数据")
    const extra = extraField(0x7075, join(Uint8Array.of(1), little(4, crc32(name)), name))
    const bytes = buildZip({
      members: [{ name, data: DATA, flags: 0x0800, local: { extra }, row: { extra } }],
    })
    expect(Object.keys(await contents(bytes))).toEqual(["modèle/数据"])
  })

  it("does not treat inherited property names as members", async () => {
    const archive = await open(torchArchive({ __proto__x: DATA, constructor: DATA, "10": DATA, "2": DATA }))
    expect(archive.entries.get("toString")).toBeUndefined()
    expect(archive.entries.has("constructor")).toBe(true)
  })
})

const sizes = (length: number): { storedLength: number; byteLength: number } => ({
  storedLength: length,
  byteLength: length,
})

describe("data descriptors", () => {
  const [crc, length] = [crc32(DATA), DATA.length]
  const zeros = { crc32: 0, storedLength: 0, byteLength: 0 }
  const signature = little(4, 0x08074b50)
  const wide = join(little(4, crc), little(8, length), little(8, length))
  const narrow = join(little(4, crc), little(4, length), little(4, length))

  it.each([
    ["with signature", join(signature, narrow)],
    ["without signature", narrow],
    ["with signature and sizes of 8 bytes", join(signature, wide)],
    ["without signature, sizes of 8 bytes", wide],
  ])("are accepted %s", async (_, bytes) => {
    for (const local of [zeros, {}]) {
      const archive = one({ flags: 0x0008, local, descriptor: bytes })
      expect(Object.keys(await contents(archive))).toEqual(["archive/data/0"])
    }
  })

  it("may be absent or present behind an empty member", async () => {
    for (const after of [new Uint8Array(0), descriptor(0, 0, 0)]) {
      const empty = { name: "e", flags: 0x0808, descriptor: after }
      const bytes = buildZip({ members: [empty, { name: "f", data: DATA }] })
      expect(Object.keys(await contents(bytes))).toEqual(["e", "f"])
    }
  })
})

describe("ZIP64", () => {
  const sentinel = 0xffffffff
  const length = DATA.length

  it("takes sizes and offset from the extra field where they are referred to", async () => {
    const bytes = one({
      local: { storedLength: sentinel, byteLength: sentinel, extra: zip64Extra(length, length) },
      row: {
        storedLength: sentinel,
        byteLength: sentinel,
        offset: sentinel,
        disk: 0xffff,
        extra: extraField(1, join(little(8, length), little(8, length), little(8, 0), little(4, 0))),
      },
    })
    expect(await contents(bytes)).toEqual({ "archive/data/0": "some bytes of a weight" })
  })

  it("accepts real values or references in the short end record", async () => {
    const all = {
      disk: 0xffff,
      directoryDisk: 0xffff,
      entriesOnDisk: 0xffff,
      entryCount: 0xffff,
      directoryLength: sentinel,
      directoryOffset: sentinel,
    }
    for (const end of [{}, all]) {
      const bytes = buildZip({ members: [{ name: "a", data: DATA }], zip64: {}, end })
      expect(Object.keys(await contents(bytes))).toEqual(["a"])
    }
  })

  it("accepts what torch puts into local headers beyond 4 GiB: zeros, and a field with its directory's values", async () => {
    for (const values of [[length, length], [0, 0], [0], [length, length, 0]]) {
      const bytes = one({
        flags: 0x0808,
        local: { crc32: 0, storedLength: 0, byteLength: 0, extra: zip64Extra(...values) },
        descriptor: descriptor(crc32(DATA), length, length),
      })
      expect(Object.keys(await contents(bytes))).toEqual(["archive/data/0"])
    }
  })

  // More than 65,535 have to be counted in its records. To write so many takes seconds.
  const COUNTS = depth<readonly (readonly [count: number, inRecords: boolean])[]>({
    quick: [[5000, true]],
    deep: [
      [65_535, false],
      [65_536, true],
    ],
  })

  it.each(COUNTS)("opens %i members (counted in its records: %s)", async (count, inRecords) => {
    const members = Array.from({ length: count }, (_, i) => ({ name: `m${i}` }))
    const bytes = buildZip({ members, ...(inRecords ? { zip64: {}, end: FULL } : {}) })
    expect((await open(bytes)).entries.size).toBe(count)
  })

  it("opens a member of 5 GiB and one behind it", async () => {
    const large = 5 * 2 ** 30
    const source = sparseArchive(large)
    const archive = await readZip(source, DEFAULT_LIMITS)
    expect(archive.entries.get("large")).toMatchObject({ offset: 35 + 20, byteLength: large })
    expect(archive.entries.get("small")).toMatchObject({ offset: large + 35 + 20 + 35, byteLength: 22 })
  })
})

const FULL = { entriesOnDisk: 0xffff, entryCount: 0xffff }

/** A source that holds the bytes of a 5 GiB archive without its data: a zero wherever nothing else was said. */
function sparseArchive(large: number): ByteSource {
  const sentinel = 0xffffffff
  const offset = large + 55
  const members: MemberSpec[] = [
    {
      name: "large",
      local: {
        crc32: 1,
        storedLength: sentinel,
        byteLength: sentinel,
        extra: zip64Extra(large, large),
      },
      row: { crc32: 1, storedLength: sentinel, byteLength: sentinel, extra: zip64Extra(large, large) },
    },
    { name: "small", data: DATA, row: { offset: sentinel, extra: zip64Extra(offset) } },
  ]
  const directoryOffset = offset + 35 + DATA.length
  const compact = buildZip({
    members,
    zip64: { directoryOffset },
    locator: { offset: BigInt(directoryOffset + 2 * (46 + 5) + 20 + 12) },
    end: { directoryOffset: sentinel },
  })
  const byteLength = compact.length + large
  return {
    byteLength,
    async read(at, length) {
      const bytes = new Uint8Array(length)
      bytes.set(compact.subarray(Math.min(at, 55), Math.min(at + length, 55)))
      const from = Math.max(at, offset)
      if (from < at + length) bytes.set(compact.subarray(from - large, at + length - large), from - at)
      return bytes
    },
  }
}
