/**
 * Members whose local headers are read when their bytes are first needed: where a read is dear, opening a checkpoint of
 * 300 large tensors would take 300 of them to learn what most uses never ask for.
 *
 * No check is given up for a member that is read. Only one that nobody reads keeps a local header that nobody has seen.
 */

import type { ByteExtent, ExtentLocator, OffsetBounds } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { quoteText } from "../text/quote-text.ts"
import { locateData } from "./local-headers.ts"
import { hasDescriptor, memberEnd, type ZipCoverage } from "./zip-coverage.ts"
import type { DirectoryEntry } from "./zip-directory.ts"
import { MAX_DESCRIPTOR_BYTES, METHOD_STORED } from "./zip-format.ts"

/** Finds where members' data begins. */
export class MemberLocator implements ExtentLocator {
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
export class SoughtMember implements ByteExtent {
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
