/** Where a member's data begins: its local header is read and checked, with its neighbours' in one read. */

import { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { turnIfDue } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_ENTRY, ZIP_FLAGS, ZIP_GAP, ZIP_MISMATCH, ZIP_OVERLAP, ZIP64 } from "./errors.ts"
import {
  type HeaderWindow,
  hasDescriptor,
  memberEnd,
  planHeaderWindows,
  type ZipCoverage,
} from "./zip-coverage.ts"
import { type DirectoryEntry, requireVersion } from "./zip-directory.ts"
import * as zip from "./zip-format.ts"
import { readExtraFields } from "./zip-format.ts"

/** Reads at once. More would not help a disk, and a server should not get more from one client. */
const READS_IN_FLIGHT = 6

/** Where members are wanted one by one, all of them are asked for in one turn, so that a source can join the reads. */
const WANTED_BYTES = 16 * 1024 * 1024

/**
 * Writes the file offset of each member's data to `dataOffsets`, in the order of `coverage.members`: of all members, or
 * of those for which `wanted` holds something else than 0 (see `planHeaderWindows`). An offset that is not known is NaN.
 *
 * @throws `zip-entry`, `zip-mismatch`, `zip-gap`, `zip-overlap`, `zip64`, `zip-name`; and as `readExactly`.
 */
export async function locateData(
  source: ByteSource,
  coverage: ZipCoverage,
  dataOffsets: Float64Array,
  { signal, wanted }: { readonly signal?: AbortSignal | undefined; readonly wanted?: Uint8Array },
): Promise<void> {
  const pending: { readonly window: HeaderWindow; readonly read: Promise<Uint8Array> }[] = []
  let pendingBytes = 0
  const checkOldest = async (): Promise<void> => {
    const oldest = pending.shift()
    if (oldest === undefined) return
    checkWindow(coverage, oldest.window, await oldest.read, dataOffsets)
    pendingBytes -= oldest.window.length
    await turnIfDue(signal)
  }
  for (const window of planHeaderWindows(coverage, wanted)) {
    const read = readExactly(source, window, signal)
    // The first failure in file order is the one that is thrown; the others must not count as unhandled.
    read.catch(() => {})
    pending.push({ window, read })
    pendingBytes += window.length
    const full = wanted === undefined ? pending.length === READS_IN_FLIGHT : pendingBytes > WANTED_BYTES
    if (full) await checkOldest()
  }
  while (pending.length > 0) await checkOldest()
}

/** An array for the offsets of `memberCount` members, none of which is known. */
export function unknownOffsets(memberCount: number): Float64Array {
  return new Float64Array(memberCount).fill(Number.NaN)
}

function checkWindow(
  coverage: ZipCoverage,
  window: HeaderWindow,
  bytes: Uint8Array,
  dataOffsets: Float64Array,
): void {
  const cursor = new ByteCursor(bytes, window.offset)
  for (let i = window.first; i < window.end; i++) {
    const previous = coverage.members[i - 1]
    const dataOffset = dataOffsets[i - 1] ?? Number.NaN
    // Where the member before this one is not wanted, nothing tells how long its descriptor is.
    if (previous !== undefined && hasDescriptor(previous) && !Number.isNaN(dataOffset)) {
      const dataEnd = dataOffset + previous.storedLength
      cursor.skip(dataEnd - cursor.at)
      checkDescriptor(cursor, previous, memberEnd(coverage, i - 1) - dataEnd)
    }
    const entry = coverage.members[i]
    if (entry === undefined) continue
    cursor.skip(entry.headerOffset - cursor.at)
    checkLocalHeader(cursor, entry, memberEnd(coverage, i))
    dataOffsets[i] = cursor.at
  }
}

// A member's local header and data descriptor, compared with its row in the directory. APPNOTE 4.3.7 and 4.3.9.
//
// torch (miniz) writes zeros for CRC and sizes in local headers, and pads them so that data is aligned to 64 bytes;
// other tools write real values or stream. Readers differ in which of the copies they trust, so all must agree.

/** What may follow the data of a member with the descriptor flag: with a signature or not, sizes of 4 or 8 bytes. */
const DESCRIPTOR_LENGTHS: readonly number[] = [12, 16, 20, 24]

/** Reads the local header of a member that ends at `end`, compares it, and leaves `cursor` where the data begins. */
function checkLocalHeader(cursor: ByteCursor, entry: DirectoryEntry, end: number): void {
  const at = cursor.at
  if (cursor.readUint32LE() !== zip.LOCAL_HEADER) {
    throw new CheckpointError(ZIP_ENTRY, { within: entry.name, at, problem: "it has no local header" })
  }
  requireVersion(cursor.readUint16LE(), at, entry.name)
  const flags = cursor.readUint16LE()
  const refused = flags & ~zip.SUPPORTED_FLAGS
  if (refused !== 0) {
    const problem = `flag bits 0x${refused.toString(16)} of its local header are not supported`
    throw new CheckpointError(ZIP_FLAGS, { within: entry.name, at, problem })
  }
  requireSame(flags, entry.flags, "flags", entry, at)
  requireSame(cursor.readUint16LE(), entry.method, "compression method", entry, at)
  // Date and time come first.
  const crc32 = cursor.skip(4).readUint32LE()
  const storedLength = cursor.readUint32LE()
  const byteLength = cursor.readUint32LE()
  const nameLength = cursor.readUint16LE()
  const extraLength = cursor.readUint16LE()
  requireSame(nameLength, entry.nameLength, "name length", entry, at)
  requireTiling(entry, cursor.at + nameLength + extraLength, end)
  if (!cursor.skipText(entry.name, nameLength)) {
    const problem = "its local header has another name"
    throw new CheckpointError(ZIP_MISMATCH, { within: entry.name, at, problem })
  }
  const wide = extraLength === 0 ? undefined : readExtraFields(cursor, extraLength, entry.name, nameLength)
  const streamed = hasDescriptor(entry)
  if (!streamed || crc32 !== 0) requireSame(crc32, entry.crc32, "CRC-32", entry, at)
  if (wide !== undefined) {
    checkWideSizes(wide, byteLength, storedLength, entry, at)
    return
  }
  if (!streamed || byteLength !== 0) requireSame(byteLength, entry.byteLength, "size", entry, at)
  if (!streamed || storedLength !== 0) requireSame(storedLength, entry.storedLength, "stored size", entry, at)
}

/**
 * Sizes of a local header that has a ZIP64 field. Short values refer to it or stand for themselves. torch puts its
 * directory's values there, header offset included, beside short values of zero.
 */
function checkWideSizes(
  wide: readonly bigint[],
  byteLength: number,
  storedLength: number,
  entry: DirectoryEntry,
  at: number,
): void {
  const zeroAllowed = hasDescriptor(entry)
  let used = 0
  const compare = (short: number, expected: number, what: string): void => {
    const value = short === zip.MAX_UINT32 ? wide[used++] : BigInt(short)
    if (value === undefined) {
      const problem = `the ${what} in its local header refers to a ZIP64 value that is not there`
      throw new CheckpointError(ZIP64, { within: entry.name, at, problem })
    }
    if (!zeroAllowed || value !== 0n) requireSame(value, BigInt(expected), what, entry, at)
  }
  compare(byteLength, entry.byteLength, "size")
  compare(storedLength, entry.storedLength, "stored size")
  const known = [entry.byteLength, entry.storedLength, entry.headerOffset].map(BigInt)
  for (const value of wide.slice(used)) {
    if (known.includes(value) || (zeroAllowed && value === 0n)) continue
    const problem = `the ZIP64 field of its local header holds ${value}, which the directory does not say`
    throw new CheckpointError(ZIP64, { within: entry.name, at, problem })
  }
}

/** Header, data and descriptor must end where the next member begins; `dataOffset` is where the data begins. */
function requireTiling(entry: DirectoryEntry, dataOffset: number, end: number): void {
  const { name, storedLength } = entry
  const left = end - dataOffset - storedLength
  if (left < 0) {
    const problem = `its ${storedLength} bytes reach ${-left} bytes into what follows at byte ${end}`
    throw new CheckpointError(ZIP_OVERLAP, { within: name, at: dataOffset, problem })
  }
  const streamed = hasDescriptor(entry)
  // torch sets the flag on all members but writes no descriptor behind empty ones.
  if (left === 0 && (!streamed || storedLength === 0)) return
  if (streamed && DESCRIPTOR_LENGTHS.includes(left)) return
  if (left === 0) {
    const problem = "its data descriptor is missing"
    throw new CheckpointError(ZIP_MISMATCH, { within: name, at: end, problem })
  }
  const problem = `${left} bytes follow its data that belong to nothing`
  throw new CheckpointError(ZIP_GAP, { within: name, at: dataOffset + storedLength, problem })
}

/** Compares a data descriptor of `length` bytes, one of `DESCRIPTOR_LENGTHS` or 0 for none. */
function checkDescriptor(cursor: ByteCursor, entry: DirectoryEntry, length: number): void {
  if (length === 0) return
  const at = cursor.at
  const wide = length >= 20
  const signed = length % 8 === 0
  if (signed) requireSame(cursor.readUint32LE(), zip.DATA_DESCRIPTOR, "descriptor signature", entry, at)
  requireSame(cursor.readUint32LE(), entry.crc32, "CRC-32 in the data descriptor", entry, at)
  checkSize(cursor, entry.storedLength, wide, "stored size in the data descriptor", entry, at)
  checkSize(cursor, entry.byteLength, wide, "size in the data descriptor", entry, at)
}

function checkSize(
  cursor: ByteCursor,
  expected: number,
  wide: boolean,
  what: string,
  entry: DirectoryEntry,
  at: number,
): void {
  if (wide) requireSame(cursor.readUint64LE(), BigInt(expected), what, entry, at)
  else requireSame(cursor.readUint32LE(), expected, what, entry, at)
}

function requireSame<T extends number | bigint>(
  local: T,
  central: T,
  what: string,
  entry: DirectoryEntry,
  at: number,
): void {
  if (local === central) return
  const problem = `${what}: ${local} beside its data, ${central} in the directory`
  throw new CheckpointError(ZIP_MISMATCH, { within: entry.name, at, problem })
}
