/** Changes to an archive: to its fields, with and without mending the copies of a fact, and to its members. */

import { BYTE_MUTATORS } from "./byte-mutators.ts"
import { TEXTS, UNSIGNED } from "./interesting.ts"
import { concat, integerBytes } from "./pickle-ops.ts"
import type { Random } from "./random.ts"
import type { PackedMember } from "./rebuild-zip.ts"
import { type SlowDirectory, type SlowMember, slowZip } from "./slow-zip.ts"

/** A field of a record: `fact` is the same for fields that say the same thing of the same member. */
export interface ZipField {
  readonly at: number
  readonly width: number
  readonly fact: string
}

type Layout = readonly (readonly [offset: number, width: number, name: string])[]

const LOCAL: Layout = [
  [0, 4, "signature"],
  [4, 2, "version"],
  [6, 2, "flags"],
  [8, 2, "method"],
  [10, 4, "time"],
  [14, 4, "crc"],
  [18, 4, "stored"],
  [22, 4, "size"],
  [26, 2, "name length"],
  [28, 2, "extra length"],
]

const ROW: Layout = [
  [0, 4, "signature"],
  [4, 2, "made by"],
  [6, 2, "version"],
  [8, 2, "flags"],
  [10, 2, "method"],
  [12, 4, "time"],
  [16, 4, "crc"],
  [20, 4, "stored"],
  [24, 4, "size"],
  [28, 2, "name length"],
  [30, 2, "extra length"],
  [32, 2, "comment length"],
  [34, 2, "disk"],
  [36, 2, "internal attributes"],
  [38, 4, "external attributes"],
  [42, 4, "offset"],
]

const DESCRIPTOR: Layout = [
  [0, 4, "descriptor signature"],
  [4, 4, "crc"],
  [8, 4, "stored"],
  [12, 4, "size"],
]

const END: Layout = [
  [0, 4, "signature"],
  [4, 2, "disk"],
  [6, 2, "directory disk"],
  [8, 2, "entries here"],
  [10, 2, "entries"],
  [12, 4, "directory length"],
  [16, 4, "directory offset"],
  [20, 2, "comment length"],
]

const ZIP64: Layout = [
  [0, 4, "signature"],
  [4, 8, "record length"],
  [12, 2, "made by"],
  [14, 2, "version"],
  [16, 4, "disk"],
  [20, 4, "directory disk"],
  [24, 8, "entries here"],
  [32, 8, "entries"],
  [40, 8, "directory length"],
  [48, 8, "directory offset"],
]

const LOCATOR: Layout = [
  [0, 4, "signature"],
  [4, 4, "disk"],
  [8, 8, "zip64 offset"],
  [16, 4, "disks"],
]

/** Facts that stand in several places. */
const SHARED: ReadonlySet<string> = new Set(["flags", "method", "crc", "stored", "size", "name length"])
const SHARED_END: ReadonlySet<string> = new Set([
  "entries here",
  "entries",
  "directory length",
  "directory offset",
])

/** Every field of an archive. */
export function zipFields(file: Uint8Array, directory: SlowDirectory): readonly ZipField[] {
  const fields: ZipField[] = []
  const add = (
    at: number | undefined,
    layout: Layout,
    record: string,
    shared: ReadonlySet<string>,
    owner: string,
  ): void => {
    if (at === undefined) return
    for (const [offset, width, name] of layout) {
      const fact = shared.has(name) ? `${owner} ${name}` : `${record} ${name}`
      fields.push({ at: at + offset, width, fact })
    }
  }
  const { members, endAt, zip64At, locatorAt } = directory
  for (const [i, member] of members.entries()) {
    add(member.headerAt, LOCAL, `local ${i}`, SHARED, `member ${i}`)
    const after = member.dataAt + member.storedLength
    if (file[after] === 0x50 && file[after + 2] === 7)
      add(after, DESCRIPTOR, `local ${i}`, SHARED, `member ${i}`)
    add(member.rowAt, ROW, `row ${i}`, SHARED, `member ${i}`)
  }
  add(endAt, END, "end", SHARED_END, "directory")
  add(zip64At, ZIP64, "zip64", SHARED_END, "directory")
  add(locatorAt, LOCATOR, "locator", SHARED_END, "directory")
  return fields
}

/** Sets a field, or all fields that say the same. */
export function mutateField(
  file: Uint8Array,
  fields: readonly ZipField[],
  random: Random,
): { bytes: Uint8Array; what: string } {
  const field = random.pick(fields)
  const copy = Uint8Array.from(file)
  const before = copy.subarray(field.at, field.at + field.width)
  const old = before.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const value = random.weighted<() => bigint>([
    [4, () => random.pick(UNSIGNED)],
    [3, () => old + BigInt(random.pick([1, -1, 2, 16, -16]))],
    [2, () => old ^ (1n << BigInt(random.below(field.width * 8)))],
    [1, () => BigInt(random.below(file.length))],
  ])()
  const everywhere = random.chance(0.5)
  const targets = everywhere ? fields.filter(({ fact }) => fact === field.fact) : [field]
  for (const { at, width } of targets) copy.set(integerBytes(value, width), at)
  return { bytes: copy, what: `${everywhere ? "all" : "one"}: ${field.fact} = ${value}` }
}

/** Bytes put between two records; the offsets behind them are mended in most cases. */
export function insertBetween(file: Uint8Array, random: Random): { bytes: Uint8Array; what: string } {
  const { members, endAt, zip64At, locatorAt, directoryAt } = slowZip(file, false)
  const places = [0, directoryAt, endAt, ...(zip64At === undefined ? [] : [zip64At, locatorAt ?? endAt])]
  for (const member of members)
    places.push(member.headerAt, member.rowAt, member.dataAt + member.storedLength)
  const at = random.pick(places)
  const gap = random.chance(0.5) ? new Uint8Array(random.pick([1, 4, 16, 64])) : random.pick(TEXTS)
  const bytes = concat([file.subarray(0, at), gap, file.subarray(at)])
  if (random.chance(0.2)) return { bytes, what: `insert: ${gap.length} bytes at ${at}` }
  const view = new DataView(bytes.buffer)
  const moved = (offset: number): number => (offset >= at ? offset + gap.length : offset)
  for (const { rowAt, headerAt } of members) view.setUint32(moved(rowAt) + 42, moved(headerAt), true)
  view.setUint32(moved(endAt) + 16, moved(directoryAt), true)
  if (zip64At !== undefined && locatorAt !== undefined) {
    view.setUint32(moved(zip64At) + 48, moved(directoryAt), true)
    view.setUint32(moved(locatorAt) + 8, moved(zip64At), true)
  }
  return { bytes, what: `insert-mended: ${gap.length} bytes at ${at}` }
}

/** Rows of the directory in another order, twice, or gone; counts are mended in most cases. */
export function changeRows(file: Uint8Array, random: Random): { bytes: Uint8Array; what: string } {
  const directory = slowZip(file, false)
  const { members, endAt, zip64At, directoryAt, locatorAt } = directory
  const end = zip64At ?? endAt
  const rows = members.map(({ rowAt }, i) => file.subarray(rowAt, members[i + 1]?.rowAt ?? end))
  const from = random.below(rows.length)
  const kind = random.pick(["swap", "twice", "gone"])
  const row = rows[from] ?? new Uint8Array(0)
  if (kind === "gone") rows.splice(from, 1)
  else if (kind === "twice") rows.push(row)
  else rows.push(...rows.splice(from, 1))
  const bytes = concat([file.subarray(0, directoryAt), ...rows, file.subarray(end)])
  const grown = bytes.length - file.length
  const view = new DataView(bytes.buffer)
  if (random.chance(0.85)) {
    const length = rows.reduce((sum, each) => sum + each.length, 0)
    for (const offset of [8, 10]) view.setUint16(endAt + grown + offset, rows.length, true)
    view.setUint32(endAt + grown + 12, length, true)
    if (zip64At !== undefined && locatorAt !== undefined) {
      for (const offset of [24, 32]) view.setUint32(zip64At + grown + offset, rows.length, true)
      view.setUint32(zip64At + grown + 40, length, true)
      view.setUint32(locatorAt + grown + 8, zip64At + grown, true)
    }
  }
  return { bytes, what: `row-${kind}: ${from}` }
}

type Members = readonly PackedMember[]

/** A change to the members, before they are packed. */
export function mutateMembers(
  members: Members,
  random: Random,
  donor: Members,
): { members: Members; what: string } {
  const at = random.below(members.length)
  const member = members[at]
  if (member === undefined) return { members, what: "nothing" }
  const { name, data } = member
  const put = (...by: readonly PackedMember[]): Members => [
    ...members.slice(0, at),
    ...by,
    ...members.slice(at + 1),
  ]
  const folder = name.slice(0, name.indexOf("/") + 1)
  const text = Buffer.from(random.pick(TEXTS)).toString()
  return random.weighted<() => { members: Members; what: string }>([
    [
      8,
      () => {
        const [how, mutate] = random.weighted(BYTE_MUTATORS)
        return {
          members: put({ name, data: mutate(data, random, donor[0]?.data ?? data) }),
          what: `data: ${how} in ${name}`,
        }
      },
    ],
    [2, () => ({ members: put(), what: `gone: ${name}` })],
    [2, () => ({ members: put(member, member), what: `twice: ${name}` })],
    [1, () => ({ members: put({ name: name.toUpperCase(), data }), what: `upper-case: ${name}` })],
    [2, () => ({ members: put({ name: folder + text, data }), what: `renamed: ${name}` })],
    [
      1,
      () => ({ members: put({ name: `${folder}data/${random.below(5)}`, data }), what: `storage: ${name}` }),
    ],
    [1, () => ({ members: put({ name: text + name, data }), what: `moved: ${name}` })],
    [
      2,
      () => ({
        members: put(member, { name: folder + text, data: random.pick(TEXTS) }),
        what: `beside: ${name}`,
      }),
    ],
    [1, () => ({ members: put(member, { name: `${folder}constants.pkl`, data }), what: "torchscript" })],
    [
      2,
      () => ({
        members: put(member, { name: `${folder}byteorder`, data: Buffer.from("big") }),
        what: "byteorder",
      }),
    ],
    [2, () => ({ members: [...members].reverse(), what: "reversed" })],
    [2, () => ({ members: [...put(), member], what: `last: ${name}` })],
    [2, () => ({ members: put({ name, data: random.pick(members).data }), what: `exchanged: ${name}` })],
    [1, () => ({ members: put(...donor.slice(0, 2)), what: `foreign: ${name}` })],
    [
      2,
      () => ({
        members: members.map((each) =>
          each.name.endsWith("byteorder") ? { ...each, data: Buffer.from("big") } : each,
        ),
        what: "big-endian",
      }),
    ],
  ])()
}

/** The members of an archive as they were before they were packed. */
export function membersOf(file: Uint8Array): Members {
  return slowZip(file, false).members.map((member: SlowMember) => ({
    name: member.name,
    data: member.read(),
  }))
}
