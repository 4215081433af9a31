/** What the records at the end of an archive say, short and ZIP64, compared with each other. APPNOTE 4.3.14 to 4.3.16. */

import type { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { toSafeInteger } from "../bytes/checked-integers.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { type ArchiveTail, cursorAt, readArchiveTail } from "./archive-tail.ts"
import { ZIP_END_RECORD, ZIP_GAP, ZIP64 } from "./errors.ts"
import * as zip from "./zip-format.ts"

/** Where the directory is. It ends where the end records begin. */
export interface EndRecords {
  readonly entryCount: number
  readonly directoryOffset: number
  readonly directoryLength: number
  /** The end of the file, which holds the directory too when that is short. */
  readonly tail: ArchiveTail
}

/** The fields that the end record and the ZIP64 end record both have. */
interface EndFields {
  readonly disk: number
  readonly directoryDisk: number
  readonly entriesOnDisk: number
  readonly entryCount: number
  readonly directoryLength: number
  readonly directoryOffset: number
}

/** The fields, what to call them, and the value of the short record that refers to the ZIP64 one. */
const FIELDS: readonly (readonly [keyof EndFields, string, number])[] = [
  ["disk", "disk number", zip.MAX_UINT16],
  ["directoryDisk", "disk of the directory", zip.MAX_UINT16],
  ["entriesOnDisk", "entry count of this disk", zip.MAX_UINT16],
  ["entryCount", "entry count", zip.MAX_UINT16],
  ["directoryLength", "directory length", zip.MAX_UINT32],
  ["directoryOffset", "directory offset", zip.MAX_UINT32],
]

/**
 * Reads the end of `source` once and checks all that the end records say.
 *
 * @throws `zip-end-record`, `zip-ambiguous`, `zip64`, `zip-gap`; and as `readExactly`.
 */
export async function readEndRecords(source: ByteSource, signal?: AbortSignal): Promise<EndRecords> {
  const tail = await readArchiveTail(source, signal)
  const at = tail.endRecordAt
  const short = readEndFields(cursorAt(tail, at + 4))
  const long = readZip64Fields(tail, at)
  const fields = long === undefined ? short : requireAgreement(short, long.fields, at)
  // A count of 65,535 may be meant as it stands: Python's zipfile writes it so.
  if (fields.directoryLength === zip.MAX_UINT32 || fields.directoryOffset === zip.MAX_UINT32) {
    const problem = "the end record refers to a ZIP64 record, and there is none"
    if (long === undefined) throw new CheckpointError(ZIP64, { at, problem })
  }
  requireOneDisk(fields, at)
  const endOffset = long?.offset ?? at
  requireDirectoryAgainst(fields, endOffset)
  const { entryCount, directoryOffset, directoryLength } = fields
  return { entryCount, directoryOffset, directoryLength, tail }
}

/** The fields of the end record, from behind its signature. */
function readEndFields(cursor: ByteCursor): EndFields {
  return {
    disk: cursor.readUint16LE(),
    directoryDisk: cursor.readUint16LE(),
    entriesOnDisk: cursor.readUint16LE(),
    entryCount: cursor.readUint16LE(),
    directoryLength: cursor.readUint32LE(),
    directoryOffset: cursor.readUint32LE(),
  }
}

/** The ZIP64 end record and its offset, when a locator stands right before the end record at `endAt`. */
function readZip64Fields(
  tail: ArchiveTail,
  endAt: number,
): { fields: EndFields; offset: number } | undefined {
  const locatorAt = endAt - zip.ZIP64_LOCATOR_BYTES
  if (locatorAt < tail.offset) return undefined
  const locator = cursorAt(tail, locatorAt)
  if (locator.readUint32LE() !== zip.ZIP64_LOCATOR) return undefined
  const [disk, offset, diskCount] = [locator.readUint32LE(), locator.readUint64LE(), locator.readUint32LE()]
  const expected = locatorAt - zip.ZIP64_END_RECORD_BYTES
  const refuse = (problem: string): never => {
    throw new CheckpointError(ZIP64, { at: locatorAt, problem })
  }
  if (disk !== 0 || diskCount !== 1) {
    refuse(`the locator counts ${diskCount} disks and points into disk ${disk}`)
  }
  if (expected < tail.offset) refuse("there is no room for a ZIP64 end record")
  if (offset !== BigInt(expected)) {
    refuse(`the locator points to byte ${offset}, the ZIP64 end record belongs at byte ${expected}`)
  }
  const record = cursorAt(tail, expected)
  if (record.readUint32LE() !== zip.ZIP64_END_RECORD) {
    refuse(`there is no ZIP64 end record at byte ${expected}`)
  }
  const recordBytes = record.readUint64LE() + 12n
  if (recordBytes !== BigInt(zip.ZIP64_END_RECORD_BYTES)) {
    refuse(`the ZIP64 end record claims ${recordBytes} bytes, it has ${zip.ZIP64_END_RECORD_BYTES}`)
  }
  record.skip(4)
  const wide = (what: string): number => {
    const value = record.readUint64LE()
    return toSafeInteger(value) ?? refuse(`the ${what} ${value} is above 2^53`)
  }
  const fields = {
    disk: record.readUint32LE(),
    directoryDisk: record.readUint32LE(),
    entriesOnDisk: wide("entry count of this disk"),
    entryCount: wide("entry count"),
    directoryLength: wide("directory length"),
    directoryOffset: wide("directory offset"),
  }
  return { fields, offset: expected }
}

/** The ZIP64 fields, once each field of the short record repeats them or refers to them. */
function requireAgreement(short: EndFields, long: EndFields, at: number): EndFields {
  for (const [key, what, reference] of FIELDS) {
    if (short[key] === long[key] || short[key] === reference) continue
    const problem = `the end record gives ${short[key]} as ${what}, the ZIP64 end record ${long[key]}`
    throw new CheckpointError(ZIP64, { at, problem })
  }
  return long
}

function requireOneDisk(fields: EndFields, at: number): void {
  if (fields.disk !== 0 || fields.directoryDisk !== 0) {
    const problem = `the archive claims to span disks (${fields.disk} and ${fields.directoryDisk})`
    throw new CheckpointError(ZIP_END_RECORD, { at, problem })
  }
  if (fields.entriesOnDisk !== fields.entryCount) {
    const problem = `${fields.entriesOnDisk} entries on this disk, ${fields.entryCount} in all`
    throw new CheckpointError(ZIP_END_RECORD, { at, problem })
  }
}

/** The directory must end exactly where the end records begin. */
function requireDirectoryAgainst(fields: EndFields, endOffset: number): void {
  const end = fields.directoryOffset + fields.directoryLength
  if (end === endOffset) return
  if (end < endOffset) {
    const problem =
      `the directory claims to end at byte ${end}, the end records begin at byte ${endOffset}: ` +
      `${endOffset - end} bytes are hidden between them, or before the archive`
    throw new CheckpointError(ZIP_GAP, { at: end, problem })
  }
  const problem = `the directory claims to end at byte ${end}, the end records begin at byte ${endOffset}`
  throw new CheckpointError(ZIP_END_RECORD, { at: endOffset, problem })
}
