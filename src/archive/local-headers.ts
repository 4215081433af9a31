/** Where a member's data begins: its local header is read and checked, with its neighbours' in one read. */

import { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { turnIfDue } from "../bytes/turns.ts"
import { checkDescriptor, checkLocalHeader } from "./check-local-header.ts"
import {
  type HeaderWindow,
  hasDescriptor,
  memberEnd,
  planHeaderWindows,
  type ZipCoverage,
} from "./zip-coverage.ts"

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
