/** The central directory: one row a member, each checked on its own. APPNOTE 4.3.12. */

import { ByteCursor, toSafeInteger } from "../bytes/byte-cursor.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import type { AnyFaultRow } from "../errors/all-errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_END_RECORD, ZIP_ENTRY, ZIP_FLAGS, ZIP_METHOD, ZIP_MISMATCH, ZIP64 } from "./errors.ts"
import * as zip from "./zip-format.ts"
import { readExtraFields } from "./zip-format.ts"
import { NameRegister, readZipName } from "./zip-names.ts"

/** What the directory says about a member. */
export interface DirectoryEntry {
  readonly name: string
  /** Bytes of the name. */
  readonly nameLength: number
  /** File offset of its row. */
  readonly at: number
  readonly flags: number
  readonly method: number
  readonly crc32: number
  readonly storedLength: number
  readonly byteLength: number
  /** File offset of its local header. */
  readonly headerOffset: number
}

/** Unix file type bits in the upper half of the external attributes. */
const FILE_TYPE_MASK = 0xf000
const SYMBOLIC_LINK = 0xa000
/** The folder bit of DOS in the lower half, which most tools set whatever they run on. */
const DOS_FOLDER = 0x10

/** A directory: its rows, and their names by number of the row. */
export interface ZipDirectory {
  readonly entries: readonly DirectoryEntry[]
  readonly names: NameRegister
}

/**
 * Parses `bytes`, the whole directory, which begins at `offset` in the file and must hold `entryCount` rows exactly.
 *
 * @throws `zip-entry`, `zip-end-record`, `zip64`, `zip-flags`, `zip-method`, `zip-name`, `zip-duplicate`, `truncated`.
 */
export function* parseZipDirectory(
  bytes: Uint8Array,
  offset: number,
  entryCount: number,
): Steps<ZipDirectory> {
  const cursor = new ByteCursor(bytes, offset, "the archive's directory")
  const names = new NameRegister()
  const entries: DirectoryEntry[] = []
  for (let i = 0; i < entryCount; i++) {
    if (i % STEP_ITEMS === STEP_ITEMS - 1) yield
    const entry = readRow(cursor)
    names.add(entry)
    entries.push(entry)
  }
  if (cursor.remaining > 0) {
    const problem = `${cursor.remaining} bytes of the directory follow its ${entryCount} entries`
    throw new CheckpointError(ZIP_END_RECORD, { at: cursor.at, problem })
  }
  return { entries, names }
}

function readRow(cursor: ByteCursor): DirectoryEntry {
  const at = cursor.at
  if (cursor.remaining < zip.DIRECTORY_HEADER_BYTES) {
    const problem = `the directory ends ${cursor.remaining} bytes into an entry: it counts more than it has`
    throw new CheckpointError(ZIP_END_RECORD, { at, problem })
  }
  if (cursor.readUint32LE() !== zip.DIRECTORY_HEADER) {
    throw new CheckpointError(ZIP_ENTRY, { at, problem: "there is no directory entry where one belongs" })
  }
  // The version that made it is nobody's concern.
  requireVersion(cursor.skip(2).readUint16LE(), at)
  const flags = cursor.readUint16LE()
  const method = cursor.readUint16LE()
  // Date and time: torch writes 1980-00-00, so nothing may depend on them.
  const crc32 = cursor.skip(4).readUint32LE()
  const storedLength = cursor.readUint32LE()
  const byteLength = cursor.readUint32LE()
  const nameLength = cursor.readUint16LE()
  const extraLength = cursor.readUint16LE()
  const commentLength = cursor.readUint16LE()
  const disk = cursor.readUint16LE()
  // Internal attributes: whether it is text.
  const attributes = cursor.skip(2).readUint32LE()
  const headerOffset = cursor.readUint32LE()
  const textsLength = nameLength + extraLength + commentLength
  if (textsLength > cursor.remaining) {
    const problem = `an entry claims ${textsLength} bytes of texts, ${cursor.remaining} are left in the directory`
    throw new CheckpointError(ZIP_ENTRY, { at, problem })
  }
  const name = readZipName(cursor, nameLength, at)
  const wide = extraLength === 0 ? undefined : readExtraFields(cursor, extraLength, name, nameLength)
  cursor.skip(commentLength)
  if (disk !== 0 && (disk !== zip.MAX_UINT16 || wide === undefined)) {
    throw fault(ZIP_ENTRY, name, at, `it is said to begin on disk ${disk}`)
  }
  if (((attributes >>> 16) & FILE_TYPE_MASK) === SYMBOLIC_LINK) {
    throw fault(ZIP_ENTRY, name, at, "it is a symbolic link")
  }
  // torch goes by the bit: it takes such a member for a folder, and leaves what was in memory as its weights.
  if ((attributes & DOS_FOLDER) !== 0 && !name.endsWith("/")) {
    throw fault(ZIP_ENTRY, name, at, "its attributes say that it is a folder, and its name that it is none")
  }
  const short = { name, nameLength, at, flags, method, crc32, storedLength, byteLength, headerOffset }
  const usual = wide === undefined && !refersToZip64(short)
  const entry = usual ? short : { ...short, ...resolveZip64(short, wide ?? []) }
  requireReadable(entry)
  return entry
}

/** Readers that hold to the version (Python's zipfile, say) refuse what others open: so it is refused here. */
export function requireVersion(version: number, at: number, within?: string): void {
  if (version <= zip.MAX_VERSION) return
  const problem = `version ${version / 10} of the format is needed to read it; there is none above ${zip.MAX_VERSION / 10}`
  throw new CheckpointError(ZIP_ENTRY, { at, problem, ...(within === undefined ? {} : { within }) })
}

/** The three values of a row that a ZIP64 field may take the place of. */
type MemberPlace = Pick<DirectoryEntry, "byteLength" | "storedLength" | "headerOffset">

function refersToZip64({ byteLength, storedLength, headerOffset }: MemberPlace): boolean {
  return byteLength === zip.MAX_UINT32 || storedLength === zip.MAX_UINT32 || headerOffset === zip.MAX_UINT32
}

/** The three values, taken from the ZIP64 field where the short ones refer to it, in the order that 4.5.3 gives. */
function resolveZip64(short: DirectoryEntry, wide: readonly bigint[]): MemberPlace {
  const { name, at } = short
  let used = 0
  const resolve = (value: number, what: string): number => {
    if (value !== zip.MAX_UINT32) return value
    const long = wide[used++]
    if (long === undefined) throw fault(ZIP64, name, at, `its ${what} refers to a missing ZIP64 value`)
    const narrow = toSafeInteger(long)
    if (narrow === undefined) throw fault(ZIP64, name, at, `its ${what} ${long} is above 2^53`)
    return narrow
  }
  const place = {
    byteLength: resolve(short.byteLength, "size"),
    storedLength: resolve(short.storedLength, "stored size"),
    headerOffset: resolve(short.headerOffset, "header offset"),
  }
  if (used === wide.length) return place
  throw fault(ZIP64, name, at, `${wide.length} ZIP64 values where ${used} are referred to`)
}

/** Checks all that a row can be held to without reading the member. */
function requireReadable(entry: DirectoryEntry): void {
  const { name, at, flags, method, storedLength, byteLength } = entry
  const refused = flags & ~zip.SUPPORTED_FLAGS
  if (refused !== 0) {
    throw fault(ZIP_FLAGS, name, at, `flag bits 0x${refused.toString(16)} are not supported`)
  }
  if (method !== zip.METHOD_STORED && method !== zip.METHOD_DEFLATED) {
    throw fault(ZIP_METHOD, name, at, `compression method ${method} is neither stored (0) nor deflate (8)`)
  }
  if (method === zip.METHOD_STORED && storedLength !== byteLength) {
    throw fault(
      ZIP_ENTRY,
      name,
      at,
      `stored as it is, it takes ${storedLength} bytes and holds ${byteLength}`,
    )
  }
  if (byteLength > 0 && name.endsWith("/")) {
    throw fault(ZIP_ENTRY, name, at, `it is a folder and holds ${byteLength} bytes`)
  }
  if (byteLength === 0 && entry.crc32 !== 0) {
    throw fault(ZIP_MISMATCH, name, at, "it is empty, and its checksum is not that of nothing")
  }
}

function fault(row: AnyFaultRow, within: string, at: number, problem: string): CheckpointError {
  return new CheckpointError(row, { within, at, problem })
}
