/** A run of bytes that has not been read: which source, from where, how long, and how it is coded. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteSource } from "./byte-source.ts"
import { INFLATE } from "./errors.ts"

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

/** Deflate makes at most 258 bytes of 2 bits. */
const MAX_EXPANSION = 1032

/** @throws `inflate` when no data of that length could give so many bytes. */
export function requirePossible(extent: ByteExtent): void {
  const { storedLength, byteLength } = extent
  if (byteLength <= storedLength * MAX_EXPANSION) return
  throw fault(extent, `${storedLength} bytes cannot inflate to ${byteLength}`)
}

export function isBroken(extent: ByteExtent, reason: string): CheckpointError {
  return fault(extent, `the deflate data is broken (${reason})`)
}

export function endsEarly(extent: ByteExtent): CheckpointError {
  return fault(extent, `the deflate data ends before the last of its ${extent.storedLength} bytes`)
}

export function endsLate(extent: ByteExtent): CheckpointError {
  return fault(extent, `the deflate data does not end within its ${extent.storedLength} bytes`)
}

export function inflatesToMore(extent: ByteExtent): CheckpointError {
  return fault(extent, `it inflates to more than its ${extent.byteLength} bytes`)
}

export function inflatesToLess(extent: ByteExtent, produced: number): CheckpointError {
  return fault(extent, `it inflates to ${produced} bytes, ${extent.byteLength} are claimed`)
}

function fault({ name, offset }: ByteExtent, problem: string): CheckpointError {
  return new CheckpointError(INFLATE, { within: name, at: offset, problem })
}
