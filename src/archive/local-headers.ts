/** Where each member's data begins: every local header is read and checked, neighbours in one read. */

import { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
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
