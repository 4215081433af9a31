/** Changes to archives that keep most of their books in order: else each would end at the first wrong offset. */

import {
  type ArchiveSpec,
  buildZip,
  descriptor,
  extraField,
  type MemberSpec,
  zip64Extra,
} from "../../test/archive/zip-builder.ts"
import { join } from "../engine/mutate.ts"
import type { Random } from "../engine/random.ts"

const EDGES = [0, 1, 2, 4, 8, 0xff, 0xfffe, 0xffff, 0x10000, 0xfffffffe, 0xffffffff]
const NAMES = [
  "a/data.pkl",
  "a/",
  "a/byteorder",
  "b",
  "A",
  "a",
  "é",
  "..",
  "a/../b",
  "/a",
  "c:x",
  "\\",
  "\u0000",
  "a/data/0",
  "",
  "ａ",
  "x".repeat(40),
]
const LONG_NAME = "n".repeat(4097)

/** A new archive, or `bytes` with its offsets, lengths and counts put right. */
export function changeZip(bytes: Uint8Array, random: Random): Uint8Array {
  return random.oneIn(3) ? repair(bytes, random) : someArchive(random)
}

function someArchive(random: Random): Uint8Array {
  const members = Array.from({ length: random.below(4) }, () => someMember(random))
  const maybe = <T>(n: number, make: () => T): T | undefined => (random.oneIn(n) ? make() : undefined)
  const end = {
    ...(random.oneIn(12) ? { entryCount: random.pick(EDGES), entriesOnDisk: random.pick(EDGES) } : {}),
    ...(random.oneIn(12) ? { directoryLength: random.pick(EDGES) } : {}),
    ...(random.oneIn(6)
      ? {
          directoryLength: 0xffffffff,
          directoryOffset: 0xffffffff,
          entryCount: 0xffff,
          entriesOnDisk: 0xffff,
        }
      : {}),
    ...(random.oneIn(12) ? { directoryOffset: random.pick(EDGES) } : {}),
    ...(random.oneIn(30) ? { disk: random.pick(EDGES), directoryDisk: random.pick(EDGES) } : {}),
  }
  const comment = maybe(5, () =>
    random.pick([random.bytes(3), Buffer.from("PK\u0005\u0006"), new Uint8Array(40)]),
  )
  const zip64 = maybe(3, () =>
    random.oneIn(3) ? { directoryLength: random.pick(EDGES), recordLength: BigInt(random.pick(EDGES)) } : {},
  )
  const trailing = maybe(20, () => random.bytes(4))
  const spec = { members, end, comment, zip64, trailing, beforeDirectory: maybe(20, () => random.bytes(4)) }
  return buildZip(
    Object.fromEntries(
      Object.entries(spec).filter(([, value]) => value !== undefined),
    ) as unknown as ArchiveSpec,
  )
}

function someMember(random: Random): MemberSpec {
  const data = random.oneIn(3)
    ? new Uint8Array(0)
    : random.oneIn(2)
      ? random.bytes(random.below(40))
      : new Uint8Array(random.below(400))
  const method = random.oneIn(2) ? 8 : 0
  const flags = random.pick([0, 0, 8, 8, 0x808, 0x800, 6, 1, 0x2000])
  const plain: MemberSpec = { name: random.oneIn(60) ? LONG_NAME : random.pick(NAMES), data, method, flags }
  const [built] = [buildZip({ members: [plain] })]
  const view = new DataView(built.buffer, built.byteOffset)
  const [sum, stored, size] = [view.getUint32(14, true), view.getUint32(18, true), view.getUint32(22, true)]
  const all = 0xffffffff
  const zero = { crc32: 0, storedLength: 0, byteLength: 0 }
  return {
    ...plain,
    ...((flags & 8) !== 0 && !random.oneIn(6)
      ? { descriptor: someDescriptor(random, sum, stored, size) }
      : {}),
    ...(random.oneIn(4)
      ? { local: { ...((flags & 8) !== 0 ? zero : {}), extra: someExtra(random, [size, stored]) } }
      : {}),
    ...((flags & 8) !== 0 && random.oneIn(2) ? { local: zero } : {}),
    ...(random.oneIn(6)
      ? { row: { byteLength: all, storedLength: all, extra: zip64Extra(size, stored) } }
      : {}),
    ...(random.oneIn(8)
      ? { local: { byteLength: all, storedLength: all, extra: zip64Extra(size, stored) } }
      : {}),
    ...(random.oneIn(15)
      ? { row: { extra: someExtra(random, [size, stored, 0]), comment: random.bytes(random.below(5)) } }
      : {}),
    ...(random.oneIn(25) ? { row: { attributes: 0xa0000000, disk: random.pick(EDGES) } } : {}),
    ...(random.oneIn(30) ? { hidden: true } : {}),
  }
}

function someDescriptor(random: Random, sum: number, stored: number, size: number): Uint8Array {
  const short = descriptor(sum, stored, size)
  if (random.oneIn(2)) return random.oneIn(2) ? short : short.subarray(4)
  const wide = new Uint8Array(24)
  wide.set(short.subarray(0, 8))
  wide.set(short.subarray(8, 12), 8)
  wide.set(short.subarray(12, 16), 16)
  return random.oneIn(2) ? wide : wide.subarray(4)
}

function someExtra(random: Random, values: readonly number[]): Uint8Array {
  const pick = random.below(5)
  if (pick === 0) return extraField(0x4246, new Uint8Array(random.below(60)))
  if (pick === 1) return zip64Extra(...values.slice(0, 1 + random.below(3)))
  if (pick === 2)
    return extraField(0x7075, join(Uint8Array.of(1, 0, 0, 0, 0), Buffer.from(random.pick(NAMES))))
  if (pick === 3) return extraField(1, random.bytes(random.below(30)))
  return join(zip64Extra(...values), extraField(random.below(65_536), random.bytes(random.below(6))))
}

/** Points the end record to the rows that are there, and each row to a header. */
function repair(input: Uint8Array, random: Random): Uint8Array {
  const bytes = input.slice()
  const view = new DataView(bytes.buffer)
  const [allHeaders, rows, ends] = [0x04034b50, 0x02014b50, 0x06054b50].map((signature) =>
    placesOf(view, signature),
  )
  const [first] = rows ?? []
  const end = ends?.at(-1)
  if (
    rows === undefined ||
    first === undefined ||
    end === undefined ||
    end < first ||
    end + 22 > bytes.length
  )
    return bytes
  const headers = random.oneIn(4) ? allHeaders?.toReversed() : allHeaders
  for (const [index, row] of rows.entries()) {
    const header = headers?.[index]
    if (header !== undefined && row + 46 <= bytes.length) view.setUint32(row + 42, header, true)
  }
  view.setUint16(end + 8, rows.length, true)
  view.setUint16(end + 10, rows.length, true)
  view.setUint32(end + 12, end - first, true)
  view.setUint32(end + 16, first, true)
  view.setUint16(end + 20, bytes.length - end - 22, true)
  return bytes
}

function placesOf(view: DataView, signature: number): readonly number[] {
  const places: number[] = []
  for (let at = 0; at + 4 <= view.byteLength; at++)
    if (view.getUint32(at, true) === signature) places.push(at)
  return places
}
