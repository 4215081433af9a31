/**
 * Opening a zip archive: which members it has and where their bytes are, without reading them.
 *
 * Two tools that read one archive differently are how a hostile file passes a scanner, so an archive opens only when
 * there is one way to read it: every copy of a fact agrees, and members, directory and end records tile the file.
 */

import { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteExtent, ExtentLocator, OffsetBounds } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { inTurns, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { quoteText } from "../text/quote-text.ts"
import { type EndRecords, readEndRecords } from "./end-records.ts"
import { ZIP_END_RECORD } from "./errors.ts"
import { locateData, unknownOffsets } from "./local-headers.ts"
import { coverFile, hasDescriptor, memberEnd, type ZipCoverage } from "./zip-coverage.ts"
import { type DirectoryEntry, parseZipDirectory } from "./zip-directory.ts"
import { DIRECTORY_HEADER_BYTES, MAX_DESCRIPTOR_BYTES, METHOD_STORED } from "./zip-format.ts"
import type { NameRegister } from "./zip-names.ts"

/** An archive that has one reading. */
export interface ZipArchive {
  /** Folders, which hold nothing, are left out. */
  readonly entries: MemberTable
  /** Names of the folders that have an entry of their own, with their slashes. */
  readonly folders: readonly string[]
  /**
   * False when every non-empty member has CRC 0: the archive was saved without checksums, and no extent has one.
   * torch does that after `set_crc32_options(False)`.
   */
  readonly hasChecksums: boolean
  readonly source: ByteSource
}

/** When local headers are read and checked: all at once, or each when the bytes of its member are first needed. */
type HeaderTime = "at-once" | "when-needed"

/**
 * Opens the archive in `source`. A usual one takes a read of its last 64 KiB and, `at-once`, one of each run of local
 * headers. What the directory alone tells is checked in any case.
 *
 * @throws every `zip…` code but `zip-layout`; `limit-exceeded` (`maxZipEntries`, `maxZipDirectoryBytes`), `truncated`,
 *   `read-failed`; the signal's reason when aborted.
 */
export async function readZip(
  source: ByteSource,
  limits: Limits,
  signal?: AbortSignal,
  headerTime: HeaderTime = "at-once",
): Promise<ZipArchive> {
  const end = await readEndRecords(source, signal)
  requireWithin(limits, "maxZipEntries", end.entryCount)
  requireWithin(limits, "maxZipDirectoryBytes", end.directoryLength)
  if (end.entryCount * DIRECTORY_HEADER_BYTES > end.directoryLength) {
    const problem = `${end.entryCount} entries do not fit into a directory of ${end.directoryLength} bytes`
    throw new CheckpointError(ZIP_END_RECORD, { at: end.directoryOffset, problem })
  }
  const directory = await readDirectory(source, end, signal)
  const parsing = parseZipDirectory(directory, end.directoryOffset, end.entryCount)
  const { entries, names } = await inTurns(parsing, signal)
  const coverage = await inTurns(coverFile(entries, end.directoryOffset), signal)
  const dataOffsets = unknownOffsets(entries.length)
  if (headerTime === "at-once") await locateData(source, coverage, dataOffsets, { signal })
  const locator = headerTime === "at-once" ? undefined : new MemberLocator(source, coverage, dataOffsets)
  const hasChecksums = entries.every((e) => e.byteLength === 0) || entries.some((e) => e.crc32 !== 0)
  const folders = entries.filter(({ name }) => name.endsWith("/")).map(({ name }) => name)
  const making = toExtents(source, entries, coverage, dataOffsets, hasChecksums, locator)
  const members = new MemberTable(names, await inTurns(making, signal))
  return { entries: members, folders, hasChecksums, source }
}

async function readDirectory(source: ByteSource, end: EndRecords, signal?: AbortSignal): Promise<Uint8Array> {
  const { directoryOffset: offset, directoryLength: length, tail } = end
  if (offset < tail.offset) return readExactly(source, { offset, length }, signal)
  return new ByteCursor(tail.bytes, tail.offset).skip(offset - tail.offset).readBytes(length)
}

/** The members in directory order; undefined for folders. */
function* toExtents(
  source: ByteSource,
  entries: readonly DirectoryEntry[],
  coverage: ZipCoverage,
  dataOffsets: Float64Array,
  hasChecksums: boolean,
  locator: MemberLocator | undefined,
): Steps<(ByteExtent | undefined)[]> {
  // `coverage` is in file order. Most writers use one order for both.
  const sameOrder = coverage.members === entries
  const indices = sameOrder ? undefined : new Map(coverage.members.map((entry, index) => [entry, index]))
  const extents: (ByteExtent | undefined)[] = []
  let i = -1
  for (const entry of entries) {
    i++
    if (i % STEP_ITEMS === STEP_ITEMS - 1) yield
    const { name, storedLength, byteLength } = entry
    const index = indices?.get(entry) ?? i
    if (name.endsWith("/")) extents.push(undefined)
    else if (locator !== undefined) extents.push(new SoughtMember(locator, entry, index, hasChecksums))
    else {
      const offset = dataOffsets[index] as number
      const coding = entry.method === METHOD_STORED ? "stored" : "deflate"
      const crc32 = hasChecksums ? entry.crc32 : undefined
      extents.push({ source, offset, storedLength, byteLength, coding, crc32, name })
    }
  }
  return extents
}

/** Members by exact name, and in directory order. Folders, which hold nothing, are left out. */
export class MemberTable {
  readonly #names: NameRegister
  /** By the numbers that the register gave their names; undefined for folders. */
  readonly #numbered: readonly (ByteExtent | undefined)[]
  readonly #extents: readonly ByteExtent[]

  constructor(names: NameRegister, numbered: readonly (ByteExtent | undefined)[]) {
    this.#names = names
    this.#numbered = numbered
    this.#extents = numbered.filter((extent) => extent !== undefined)
  }

  get size(): number {
    return this.#extents.length
  }

  get(name: string): ByteExtent | undefined {
    const number = this.#names.numberOf(name)
    const extent = number === undefined ? undefined : this.#numbered[number]
    return extent?.name === name ? extent : undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** In directory order. */
  values(): readonly ByteExtent[] {
    return this.#extents
  }

  /** In directory order. */
  keys(): readonly string[] {
    return this.#extents.map(({ name }) => name)
  }
}

// Members whose local headers are read when their bytes are first needed: where a read is dear, opening a checkpoint of
// 300 large tensors would take 300 of them to learn what most uses never ask for.
//
// No check is given up for a member that is read. Only one that nobody reads keeps a local header that nobody has seen.

/** Finds where members' data begins. */
class MemberLocator implements ExtentLocator {
  readonly source: ByteSource
  readonly #coverage: ZipCoverage
  readonly #dataOffsets: Float64Array

  /** `dataOffsets` are in the order of `coverage.members`, NaN where they are not known. */
  constructor(source: ByteSource, coverage: ZipCoverage, dataOffsets: Float64Array) {
    this.source = source
    this.#coverage = coverage
    this.#dataOffsets = dataOffsets
  }

  /** @throws as `locateData`. */
  async locate(extents: readonly ByteExtent[], signal?: AbortSignal): Promise<void> {
    const { members } = this.#coverage
    let wanted: Uint8Array | undefined
    for (const extent of extents) {
      if (!(extent instanceof SoughtMember) || !Number.isNaN(this.offsetOf(extent.index))) continue
      wanted ??= new Uint8Array(members.length + 1)
      wanted[extent.index] = 1
      // Its descriptor stands before the next header, and is read with that.
      if (hasDescriptor(members[extent.index])) wanted[extent.index + 1] = 1
    }
    if (wanted === undefined) return
    // Offsets count as known when all that was asked for has been checked: the descriptors come last.
    const dataOffsets = this.#dataOffsets.slice()
    await locateData(this.source, this.#coverage, dataOffsets, { signal, wanted })
    for (const { index } of extents as readonly SoughtMember[]) {
      this.#dataOffsets[index] = dataOffsets[index] as number
    }
  }

  /** A member ends where the next one begins, and only a descriptor may stand between its data and that. */
  boundsOf(extent: ByteExtent): OffsetBounds {
    const { index } = extent as SoughtMember
    const found = this.offsetOf(index)
    if (!Number.isNaN(found)) return { earliest: found, latest: found }
    const latest = memberEnd(this.#coverage, index) - extent.storedLength
    const described = hasDescriptor(this.#coverage.members[index])
    return { earliest: described ? latest - MAX_DESCRIPTOR_BYTES : latest, latest }
  }

  /** NaN where it is not known. */
  offsetOf(index: number): number {
    return this.#dataOffsets[index] ?? Number.NaN
  }
}

/** A member whose `offset` throws until its locator has been asked for it. */
class SoughtMember implements ByteExtent {
  readonly source: ByteSource
  readonly storedLength: number
  readonly byteLength: number
  readonly coding: ByteExtent["coding"]
  readonly crc32: number | undefined
  readonly name: string
  readonly locator: MemberLocator
  /** Its place in the file, among the members. */
  readonly index: number

  constructor(locator: MemberLocator, entry: DirectoryEntry, index: number, hasChecksums: boolean) {
    this.source = locator.source
    this.storedLength = entry.storedLength
    this.byteLength = entry.byteLength
    this.coding = entry.method === METHOD_STORED ? "stored" : "deflate"
    this.crc32 = hasChecksums ? entry.crc32 : undefined
    this.name = entry.name
    this.locator = locator
    this.index = index
  }

  get offset(): number {
    const offset = this.locator.offsetOf(this.index)
    if (Number.isNaN(offset)) throw new Error(`nobody has located ${quoteText(this.name)} yet`)
    return offset
  }
}
