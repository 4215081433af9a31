/**
 * Local headers and data descriptors: where each member's data begins, and that they say what the directory says.
 *
 * torch (miniz) writes zeros for CRC and sizes in local headers, and pads them so that data is aligned to 64 bytes;
 * other tools write real values or stream. Readers differ in which of the copies they trust, so all must agree.
 * APPNOTE 4.3.7 and 4.3.9.
 */

import { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { CheckpointError } from "../errors.ts"
import { readExtraFields } from "./extra-fields.ts"
import {
  type HeaderWindow,
  hasDescriptor,
  memberEnd,
  planHeaderWindows,
  type ZipCoverage,
} from "./zip-coverage.ts"
import type { DirectoryEntry } from "./zip-directory.ts"
import * as zip from "./zip-format.ts"

/** Reads at once. More would not help a disk, and a server should not get more from one client. */
const READS_IN_FLIGHT = 6

/**
 * The file offset of each member's data, in the order of `coverage.members`.
 *
 * @throws `zip-entry`, `zip-mismatch`, `zip-gap`, `zip-overlap`, `zip64`, `zip-name`; and as `readExactly`.
 */
export async function locateData(
  source: ByteSource,
  coverage: ZipCoverage,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const dataOffsets = new Float64Array(coverage.members.length)
  const pending: { readonly window: HeaderWindow; readonly read: Promise<Uint8Array> }[] = []
  const checkOldest = async (): Promise<void> => {
    const oldest = pending.shift()
    if (oldest !== undefined) checkWindow(coverage, oldest.window, await oldest.read, dataOffsets)
  }
  for (const window of planHeaderWindows(coverage)) {
    const read = readExactly(source, window, signal)
    // The first failure in file order is the one that is thrown; the others must not count as unhandled.
    read.catch(() => {})
    pending.push({ window, read })
    if (pending.length === READS_IN_FLIGHT) await checkOldest()
  }
  while (pending.length > 0) await checkOldest()
  return dataOffsets
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
    if (previous !== undefined && hasDescriptor(previous)) {
      const dataEnd = (dataOffsets[i - 1] as number) + previous.storedLength
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

/** Reads the local header of a member that ends at `end`, compares it, and leaves `cursor` where the data begins. */
function checkLocalHeader(cursor: ByteCursor, entry: DirectoryEntry, end: number): void {
  const at = cursor.at
  if (cursor.readUint32LE() !== zip.LOCAL_HEADER) {
    throw new CheckpointError("zip-entry", { within: entry.name, at, problem: "it has no local header" })
  }
  cursor.skip(2)
  const flags = cursor.readUint16LE()
  const refused = flags & ~zip.SUPPORTED_FLAGS
  if (refused !== 0) {
    const problem = `flag bits 0x${refused.toString(16)} of its local header are not supported`
    throw new CheckpointError("zip-flags", { within: entry.name, at, problem })
  }
  requireSame(flags, entry.flags, "flags", entry, at)
  requireSame(cursor.readUint16LE(), entry.method, "compression method", entry, at)
  cursor.skip(4)
  const crc32 = cursor.readUint32LE()
  const storedLength = cursor.readUint32LE()
  const byteLength = cursor.readUint32LE()
  const nameBytes = cursor.readUint16LE()
  const extraBytes = cursor.readUint16LE()
  requireSame(nameBytes, entry.nameBytes.length, "name length", entry, at)
  requireTiling(entry, cursor.at + nameBytes + extraBytes, end)
  if (!cursor.skipEqual(entry.nameBytes)) {
    throw new CheckpointError("zip-mismatch", {
      within: entry.name,
      at,
      problem: "its local header has another name",
    })
  }
  const wide = extraBytes === 0 ? undefined : readExtraFields(cursor, extraBytes, entry.name, entry.nameBytes)
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
      throw new CheckpointError("zip64", { within: entry.name, at, problem })
    }
    if (!zeroAllowed || value !== 0n) requireSame(value, BigInt(expected), what, entry, at)
  }
  compare(byteLength, entry.byteLength, "size")
  compare(storedLength, entry.storedLength, "stored size")
  const known = [entry.byteLength, entry.storedLength, entry.headerOffset].map(BigInt)
  for (const value of wide.slice(used)) {
    if (known.includes(value) || (zeroAllowed && value === 0n)) continue
    const problem = `the ZIP64 field of its local header holds ${value}, which the directory does not say`
    throw new CheckpointError("zip64", { within: entry.name, at, problem })
  }
}

/** Header, data and descriptor must end where the next member begins; `dataOffset` is where the data begins. */
function requireTiling(entry: DirectoryEntry, dataOffset: number, end: number): void {
  const { name, storedLength } = entry
  const left = end - dataOffset - storedLength
  if (left < 0) {
    const problem = `its ${storedLength} bytes reach ${-left} bytes into what follows at byte ${end}`
    throw new CheckpointError("zip-overlap", { within: name, at: dataOffset, problem })
  }
  // torch sets the flag on all members but writes no descriptor behind empty ones.
  const allowed = hasDescriptor(entry) ? (storedLength === 0 ? [0, 12, 16, 20, 24] : [12, 16, 20, 24]) : [0]
  if (allowed.includes(left)) return
  if (left === 0) {
    throw new CheckpointError("zip-mismatch", {
      within: name,
      at: end,
      problem: "its data descriptor is missing",
    })
  }
  const problem = `${left} bytes follow its data that belong to nothing`
  throw new CheckpointError("zip-gap", { within: name, at: dataOffset + storedLength, problem })
}

/** Compares a data descriptor of `length` bytes: with a signature or not, sizes of 4 or 8 bytes. */
function checkDescriptor(cursor: ByteCursor, entry: DirectoryEntry, length: number): void {
  if (length === 0) return
  const at = cursor.at
  const wide = length >= 20
  if (length % 8 === 0)
    requireSame(cursor.readUint32LE(), zip.DATA_DESCRIPTOR, "descriptor signature", entry, at)
  requireSame(cursor.readUint32LE(), entry.crc32, "CRC-32 in the data descriptor", entry, at)
  for (const [expected, what] of [
    [entry.storedLength, "stored size in the data descriptor"],
    [entry.byteLength, "size in the data descriptor"],
  ] as const) {
    if (wide) requireSame(cursor.readUint64LE(), BigInt(expected), what, entry, at)
    else requireSame(cursor.readUint32LE(), expected, what, entry, at)
  }
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
  throw new CheckpointError("zip-mismatch", { within: entry.name, at, problem })
}
