/** A run of bytes that has not been read: which source, from where, how long, and how it is coded. */

import type { ByteSource } from "./byte-source.ts"

/** Bytes of a source, as they are or deflated. */
export interface ByteExtent {
  readonly source: ByteSource
  /** Byte offset in `source` (file coordinates). Where there is a `locator`, asking before that has found it throws. */
  readonly offset: number
  /** Bytes it takes in `source`. Equal to `byteLength` unless deflated. */
  readonly storedLength: number
  /** Bytes it holds once decoded. */
  readonly byteLength: number
  readonly coding: "stored" | "deflate"
  /** CRC-32 of the decoded bytes; undefined when the container keeps none. */
  readonly crc32: number | undefined
  /** What to call it in messages: an archive member, or the file. */
  readonly name: string
  /** Finds `offset`. Undefined where that is known from the start. */
  readonly locator?: ExtentLocator
}

/** `byteLength` bytes of `source` as they are, without a checksum. */
export function storedExtent(
  source: ByteSource,
  offset: number,
  byteLength: number,
  name: string,
): ByteExtent {
  return { source, offset, storedLength: byteLength, byteLength, coding: "stored", crc32: undefined, name }
}

/** Finds where extents begin that nobody may ever ask for, because finding it takes reads. */
export interface ExtentLocator {
  /**
   * Finds the offsets of `extents`, which have this locator, with few reads, and checks all that comes with them. What
   * has been found before costs nothing.
   */
  locate(extents: readonly ByteExtent[], signal?: AbortSignal): Promise<void>
  /** Where `extent` begins at the earliest and at the latest, found or not. Reads nothing. */
  boundsOf(extent: ByteExtent): OffsetBounds
}

/** Byte offsets in a source, both possible; equal where there is one. */
export interface OffsetBounds {
  readonly earliest: number
  readonly latest: number
}

/** Has the offsets of `extents` found, as far as they are not known. @throws what their locators throw. */
export async function locateExtents(extents: Iterable<ByteExtent>, signal?: AbortSignal): Promise<void> {
  const sought = new Map<ExtentLocator, ByteExtent[]>()
  for (const extent of extents) {
    const { locator } = extent
    if (locator === undefined) continue
    const others = sought.get(locator)
    if (others === undefined) sought.set(locator, [extent])
    else others.push(extent)
  }
  for (const [locator, group] of sought) await locator.locate(group, signal)
}
