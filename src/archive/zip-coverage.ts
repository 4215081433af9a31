/**
 * How members lie in the file. They and the directory tile it: no byte belongs to two of them, none to nobody.
 *
 * As a member ends where the next one begins, the directory alone gives the room that each member's local header and
 * data descriptor take together. That is what has to be read to check them, and nothing else.
 */

import type { ByteRange } from "../bytes/read-exactly.ts"
import { sortedSteps } from "../bytes/sorted.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_GAP, ZIP_OVERLAP } from "./errors.ts"
import type { DirectoryEntry } from "./zip-directory.ts"
import * as zip from "./zip-format.ts"

/** Headers whose data between them is shorter than this are read together: one read costs about as much. */
const MAX_BRIDGED_BYTES = 65_536

/** A read covers at most this, so that the reads in flight stay within a few MiB. */
const MAX_WINDOW_BYTES = 1_048_576

/** Members in the order in which they lie in the file, proven to begin at 0 and to leave each other room. */
export interface ZipCoverage {
  readonly members: readonly DirectoryEntry[]
  readonly directoryOffset: number
}

/** One read: it covers the local headers of members `[first, end)` and the descriptors right before them. */
export interface HeaderWindow extends ByteRange {
  readonly first: number
  readonly end: number
}

/** File offset behind member `index`, where the next one or the directory begins. */
export function memberEnd(coverage: ZipCoverage, index: number): number {
  return coverage.members[index + 1]?.headerOffset ?? coverage.directoryOffset
}

/**
 * Orders `entries` by where they begin and checks that each has room for its data and headers.
 *
 * @throws `zip-gap`, `zip-overlap`.
 */
export function* coverFile(entries: readonly DirectoryEntry[], directoryOffset: number): Steps<ZipCoverage> {
  const coverage = { members: yield* inFileOrder(entries), directoryOffset }
  const firstOffset = coverage.members[0]?.headerOffset ?? directoryOffset
  if (firstOffset !== 0) {
    const problem = `the first ${firstOffset} bytes of the file belong to no member`
    throw new CheckpointError(ZIP_GAP, { at: 0, problem })
  }
  for (let i = 0; i < entries.length; i++) {
    if (i % STEP_ITEMS === STEP_ITEMS - 1) yield
    requireRoom(coverage, i)
  }
  return coverage
}

function* inFileOrder(entries: readonly DirectoryEntry[]): Steps<readonly DirectoryEntry[]> {
  let previous = -1
  for (const { headerOffset } of entries) {
    if (headerOffset < previous) return yield* sortedSteps(entries, (a, b) => a.headerOffset - b.headerOffset)
    previous = headerOffset
  }
  return entries
}

function requireRoom(coverage: ZipCoverage, index: number): void {
  const entry = coverage.members[index] as DirectoryEntry
  const end = memberEnd(coverage, index)
  const smallest = zip.LOCAL_HEADER_BYTES + entry.nameLength
  const largest = smallest + zip.MAX_UINT16 + zip.MAX_DESCRIPTOR_BYTES
  const room = end - entry.headerOffset - entry.storedLength
  if (room >= smallest && room <= largest) return
  const { name, headerOffset, storedLength } = entry
  if (room > largest) {
    const problem = `${room} bytes more than its data before byte ${end}, a header takes ${largest} at most`
    throw new CheckpointError(ZIP_GAP, { within: name, at: headerOffset, problem })
  }
  const next = coverage.members[index + 1] === undefined ? "the directory begins" : "the next member begins"
  const problem = `its header and its ${storedLength} bytes reach beyond byte ${end}, where ${next}`
  throw new CheckpointError(ZIP_OVERLAP, { within: name, at: headerOffset, problem })
}

/**
 * The reads that bring in every local header and descriptor, in file order. The one at index `members.length` is the
 * directory itself: it has a descriptor before it, but no local header. Where `wanted` is given, only those of its
 * indices that are not 0, and what lies between them and costs no read.
 */
export function* planHeaderWindows(coverage: ZipCoverage, wanted?: Uint8Array): Generator<HeaderWindow> {
  const { members, directoryOffset } = coverage
  let first = -1
  let last = -1
  let windowStart = 0
  let windowEnd = 0
  for (let i = 0; i <= members.length; i++) {
    if (wanted?.[i] === 0) continue
    const entry = members[i]
    const offset = entry?.headerOffset ?? directoryOffset
    const start = hasDescriptor(members[i - 1]) ? offset - zip.MAX_DESCRIPTOR_BYTES : offset
    const end = entry === undefined ? offset : memberEnd(coverage, i) - entry.storedLength
    const apart = start - windowEnd > MAX_BRIDGED_BYTES || end - windowStart > MAX_WINDOW_BYTES
    if (first < 0 || apart) {
      if (first >= 0) yield { offset: windowStart, length: windowEnd - windowStart, first, end: last + 1 }
      first = i
      windowStart = start
    }
    last = i
    windowEnd = end
  }
  if (first >= 0) yield { offset: windowStart, length: windowEnd - windowStart, first, end: last + 1 }
}

/** True when a data descriptor may follow the member's data. */
export function hasDescriptor(entry: DirectoryEntry | undefined): boolean {
  return entry !== undefined && (entry.flags & zip.FLAG_DESCRIPTOR) !== 0
}
