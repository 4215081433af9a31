/** A right archive around a right checkpoint, in which one record can be made to lie. */

import type { ErrorCode } from "../../src/index.ts"
import {
  type ArchiveSpec,
  buildZip,
  crc32,
  extraField,
  join,
  little,
  type MemberSpec,
  memberLength,
  text,
  zip64Extra,
} from "../archive/zip-builder.ts"
import { assemble } from "../pickle/assemble.ts"
import type { ExpectedError, HostileCase } from "./case.ts"
import { beside, PICKLE, WEIGHT } from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

/** The pickle of one tensor over `WEIGHT`. */
export const DATA_PKL: Uint8Array = assemble(...beside(["NONE"]))

/** The name of the storage's record. */
export const RECORD = "archive/data/0"

/** The value that refers to a ZIP64 record. */
export const SENTINEL = 0xffffffff

export const CRC: number = crc32(WEIGHT)
export const LENGTH: number = WEIGHT.length

const FIRST: readonly MemberSpec[] = [
  { name: PICKLE, data: DATA_PKL },
  { name: "archive/byteorder", data: text("little") },
]
const LAST: MemberSpec = { name: "archive/version", data: text("3\n") }

/** The storage's record as any tool would write it. */
export const MEMBER: MemberSpec = { name: RECORD, data: WEIGHT }

/** File offset of the local header of the storage's record. */
export const MEMBER_AT: number = FIRST.reduce((sum, member) => sum + memberLength(member), 0)

/** Bytes of its local header. */
export const HEADER_BYTES: number = 30 + RECORD.length

/** File offset of the directory. */
export const DIRECTORY_AT: number = MEMBER_AT + memberLength(MEMBER) + memberLength(LAST)

const rowBytes = (name: string): number => 46 + name.length

/** File offset of the directory's row for the storage's record. */
export const ROW_AT: number = DIRECTORY_AT + rowBytes(PICKLE) + rowBytes("archive/byteorder")

/** File offset behind the directory, where the end records begin. */
export const DIRECTORY_END: number = ROW_AT + rowBytes(RECORD) + rowBytes("archive/version")

/** All members, with these in the place of the storage's record. */
export const membersWith = (...members: readonly MemberSpec[]): readonly MemberSpec[] => [
  ...FIRST,
  ...members,
  LAST,
]

/** The archive, with changes. */
export const archive = (spec: Partial<ArchiveSpec> = {}): Uint8Array =>
  buildZip({ members: membersWith(MEMBER), ...spec })

/** The archive, with changes to the storage's record. */
export const member = (changes: Partial<MemberSpec>): Uint8Array =>
  archive({ members: membersWith({ ...MEMBER, ...changes }) })

/** The same changes beside the data and in the directory. */
export const both = (changes: NonNullable<MemberSpec["local"]>): Uint8Array =>
  member({ row: changes, local: changes })

/** The storage's record as a stream writes it: zeros beside the data, and `bytes` behind it. */
export const streamed = (bytes: Uint8Array, changes: Partial<MemberSpec> = {}): Uint8Array =>
  member({
    flags: 0x0808,
    local: { crc32: 0, storedLength: 0, byteLength: 0 },
    descriptor: bytes,
    ...changes,
  })

/** Sizes that refer to a ZIP64 field. */
export const wide = (
  byteLength: number | bigint,
  storedLength: number | bigint,
): NonNullable<MemberSpec["local"]> => ({
  storedLength: SENTINEL,
  byteLength: SENTINEL,
  extra: zip64Extra(byteLength, storedLength),
})

export const sizes = (length: number): NonNullable<MemberSpec["local"]> => ({
  storedLength: length,
  byteLength: length,
})

/** A field with a second name for the member. */
export const unicodePath = (name: string): Uint8Array =>
  extraField(0x7075, join(Uint8Array.of(1), little(4, crc32(text(RECORD))), text(name)))

/** A row of a table: what it is, the code, the file, and what else the error says. */
export type ZipRow = readonly [
  name: string,
  code: ErrorCode,
  bytes: Uint8Array | (() => Uint8Array),
  expect?: Partial<ExpectedError>,
]

/** The cases of a section. */
export function zipCases(
  section: SectionId,
  rows: readonly ZipRow[],
  whileMoving = false,
): readonly HostileCase[] {
  return rows.map(([name, code, bytes, expect]) => ({
    name: `${section}: ${name}`,
    section,
    bytes: typeof bytes === "function" ? bytes : () => bytes,
    expect: { code, ...expect },
    whileMoving,
  }))
}
