/** What the records at the end of an archive say, short and ZIP64, compared with each other. APPNOTE 4.3.14 to 4.3.16. */

import { ByteCursor, toSafeInteger } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_AMBIGUOUS, ZIP_END_RECORD, ZIP_GAP, ZIP64 } from "./errors.ts"
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
  const { disk, directoryDisk, entriesOnDisk, entryCount } = fields
  const spansDisks = disk !== 0 || directoryDisk !== 0
  if (!spansDisks && entriesOnDisk === entryCount) return
  const problem = spansDisks
    ? `the archive claims to span disks (${disk} and ${directoryDisk})`
    : `${entriesOnDisk} entries on this disk, ${entryCount} in all`
  throw new CheckpointError(ZIP_END_RECORD, { at, problem })
}

/** The directory must end exactly where the end records begin. */
function requireDirectoryAgainst(fields: EndFields, endOffset: number): void {
  const end = fields.directoryOffset + fields.directoryLength
  if (end === endOffset) return
  const problem = `the directory claims to end at byte ${end}, the end records begin at byte ${endOffset}`
  if (end < endOffset) {
    const hidden = `${problem}: ${endOffset - end} bytes are hidden between them, or before the archive`
    throw new CheckpointError(ZIP_GAP, { at: end, problem: hidden })
  }
  throw new CheckpointError(ZIP_END_RECORD, { at: endOffset, problem })
}

// An archive is found from its end, and a comment of any text may stand there, so two readers can find two
// different archives in one file. Only a file in which there is nothing to choose passes.

/** Enough for the end record with the longest comment, and the two ZIP64 records before it. */
const TAIL_BYTES: number =
  zip.END_RECORD_BYTES + zip.MAX_UINT16 + zip.ZIP64_LOCATOR_BYTES + zip.ZIP64_END_RECORD_BYTES

/** Bytes of a file that have been read, and where they stand in it. */
interface FileBytes {
  readonly bytes: Uint8Array
  readonly offset: number
}

/** The end of an archive. */
interface ArchiveTail extends FileBytes {
  /** File offset of the end record. */
  readonly endRecordAt: number
}

/**
 * Reads the end of `source` once and finds the end record.
 *
 * @throws `zip-end-record`, `zip-ambiguous`; and as `readExactly`.
 */
async function readArchiveTail(source: ByteSource, signal?: AbortSignal): Promise<ArchiveTail> {
  const tail = await readTail(source, signal)
  const endRecordAt = findEndRecord(tail) ?? (await refuseMissingEnd(source, tail, signal))
  return { ...tail, endRecordAt }
}

async function readTail(source: ByteSource, signal: AbortSignal | undefined): Promise<FileBytes> {
  const length = Math.min(source.byteLength, TAIL_BYTES)
  const offset = source.byteLength - length
  return { offset, bytes: await readExactly(source, { offset, length }, signal) }
}

/** A cursor over the rest of `tail`, from file offset `at` on. */
function cursorAt(tail: FileBytes, at: number): ByteCursor {
  return new ByteCursor(tail.bytes, tail.offset).skip(at - tail.offset)
}

function hasEndSignature(bytes: Uint8Array, i: number): boolean {
  return bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 0x05 && bytes[i + 3] === 0x06
}

/** File offset where the comment of the end record at index `i` ends. */
function commentEnd(tail: FileBytes, i: number): number {
  const at = tail.offset + i
  return at + zip.END_RECORD_BYTES + cursorAt(tail, at + 20).readUint16LE()
}

/**
 * File offset of the only end record whose comment reaches the end of the file; undefined when there is none.
 *
 * @throws `zip-ambiguous`.
 */
function findEndRecord(tail: FileBytes): number | undefined {
  const { bytes, offset } = tail
  const fileEnd = offset + bytes.length
  let found: number | undefined
  let last: number | undefined
  for (let i = bytes.length - 4; i >= 0; i--) {
    if (!hasEndSignature(bytes, i)) continue
    last ??= offset + i
    if (i > bytes.length - zip.END_RECORD_BYTES || commentEnd(tail, i) !== fileEnd) continue
    if (found !== undefined) throw ambiguous(offset + i, found)
    found = offset + i
  }
  // A reader that takes the last signature would find another one inside the comment.
  if (found !== undefined && last !== undefined && last !== found && fileEnd - found > zip.END_RECORD_BYTES) {
    throw ambiguous(found, last)
  }
  return found
}

function ambiguous(first: number, second: number): CheckpointError {
  const problem = `two records at bytes ${first} and ${second} can be taken for the end of the archive`
  return new CheckpointError(ZIP_AMBIGUOUS, { at: second, problem })
}

/** Says why there is no end record: cut off, followed by something, or not an archive at all. */
async function refuseMissingEnd(source: ByteSource, tail: FileBytes, signal?: AbortSignal): Promise<never> {
  const { bytes, offset } = tail
  const size = source.byteLength
  for (let i = bytes.length - zip.END_RECORD_BYTES; i >= 0; i--) {
    if (!hasEndSignature(bytes, i)) continue
    const extra = size - commentEnd(tail, i)
    const problem =
      extra > 0
        ? `${extra} bytes follow the end of the archive`
        : `the archive's comment is cut off: ${-extra} bytes are missing after ${size}`
    throw new CheckpointError(ZIP_END_RECORD, { at: offset + i, problem })
  }
  const start = new ByteCursor(await readExactly(source, { offset: 0, length: Math.min(4, size) }, signal), 0)
  const isArchive = start.remaining === 4 && start.readUint32LE() === zip.LOCAL_HEADER
  const problem = isArchive
    ? `the archive's directory is missing: the file is incomplete (a partial download?), it ends after ${size} bytes`
    : `there is no end record in the last ${bytes.length} of ${size} bytes: this is not a zip archive`
  // What to do about a download that is incomplete is known; about other bytes it is not.
  const fetchAgain = "Fetch the file again, and compare its size with the one that its publisher states."
  const nextStep = isArchive ? fetchAgain : undefined
  throw new CheckpointError(ZIP_END_RECORD, { at: size, problem }, { nextStep })
}

/** Directories outside the tail that are looked for. Chance makes one end record in 65,000 files, not many in one. */
const MOST_SOUGHT = 16

/**
 * Whether a file that begins as something else ends in a zip archive. Python's `zipfile`, `unzip` and most others look for
 * an archive from the end and put up with anything before it, so such a file is two: which one is read depends on who
 * reads it.
 *
 * True when an end record has its directory where one of the usual readers looks for it: right before it, or at its
 * offset in the file. Reads the last 64 KiB, and where a record points elsewhere, four bytes there.
 */
export async function endsInZip(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  const { offset, bytes: tail } = await readTail(source, signal)
  const { length } = tail
  const view = new DataView(tail.buffer, tail.byteOffset, length)
  const holds = (at: number, signature: number): boolean =>
    at >= 0 && at + 4 <= length && view.getUint32(at, true) === signature
  const sought = new Set<number>()
  for (let at = tail.indexOf(0x50); at >= 0; at = tail.indexOf(0x50, at + 1)) {
    if (!holds(at, zip.END_RECORD) || at + zip.END_RECORD_BYTES > length) continue
    if (holds(at - zip.ZIP64_LOCATOR_BYTES, zip.ZIP64_LOCATOR)) return true
    const count = view.getUint16(at + 10, true)
    const directoryLength = view.getUint32(at + 12, true)
    const directoryOffset = view.getUint32(at + 16, true)
    const end = at + zip.END_RECORD_BYTES + view.getUint16(at + 20, true)
    if (count === 0 && directoryLength === 0 && end === length) return true
    if (directoryLength < zip.DIRECTORY_HEADER_BYTES) continue
    if (holds(at - directoryLength, zip.DIRECTORY_HEADER)) return true
    for (const place of [offset + at - directoryLength, directoryOffset]) {
      if (place >= 0 && place + zip.DIRECTORY_HEADER_BYTES <= source.byteLength) sought.add(place)
    }
  }
  if (sought.size > MOST_SOUGHT) return true
  for (const place of sought) if (await hasDirectory(source, place, signal)) return true
  return false
}

async function hasDirectory(
  source: ByteSource,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const bytes = await readExactly(source, { offset, length: 4 }, signal)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === zip.DIRECTORY_HEADER
}
