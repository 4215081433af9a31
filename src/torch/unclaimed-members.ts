/** Members of a checkpoint's archive that nothing in it asks for. */

import type { MemberTable } from "../archive/member-table.ts"
import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { Storage } from "./tensor-record.ts"

/** A member that nobody reads, so nobody holds its size against its bytes. */
export interface UnclaimedMember {
  readonly name: string
  /** As the archive declares it: inflated, or as stored where that is more. */
  readonly byteLength: number
}

/** What is left of an archive without its pickle, the storages that this names, and torch's own records. */
export interface UnclaimedMembers {
  /** `data/<number>`: storages that the pickle does not name. */
  readonly storages: readonly UnclaimedMember[]
  /** All others. */
  readonly members: readonly UnclaimedMember[]
}

/**
 * Records that torch 2.13 and before it write beside pickle and storages (`torch/serialization.py`, `_save`;
 * `caffe2/serialize/inline_container.cc`, `writeEndOfFile`; `.data/version` from file format 6 on).
 */
const RECORDS: readonly string[] = [
  "version",
  ".data/version",
  "byteorder",
  ".data/serialization_id",
  ".format_version",
  ".storage_alignment",
]

/** The longest of them, `.data/serialization_id`, has 40 digits. A longer one holds something else. */
const MOST_RECORD_BYTES = 64

const STORAGE_MEMBER = /^data\/[0-9]{1,20}$/

/** Whether the member of that name, without its folder, is a record that torch writes. */
export function isTorchRecord(name: string, extent: ByteExtent): boolean {
  return sizeOf(extent) <= MOST_RECORD_BYTES && RECORDS.includes(name)
}

/** Where there is no archive, nothing is left. */
export const NOTHING_UNCLAIMED: UnclaimedMembers = /* @__PURE__ */ Object.freeze({
  storages: [],
  members: [],
})

/** The members of `entries`, all in the folder `prefix`, that are neither `pickle`, nor of `storages`, nor records. */
export function findUnclaimed(
  entries: MemberTable,
  prefix: string,
  pickle: ByteExtent,
  storages: readonly Storage[],
): UnclaimedMembers {
  const claimed = new Set([pickle])
  for (const record of RECORDS) {
    const extent = entries.get(prefix + record)
    if (extent !== undefined && isTorchRecord(record, extent)) claimed.add(extent)
  }
  // Each storage has a member of its own, so counting tells whether there are others.
  if (entries.size === claimed.size + storages.length) return NOTHING_UNCLAIMED
  for (const { extent } of storages) claimed.add(extent)
  const unclaimed = { storages: [] as UnclaimedMember[], members: [] as UnclaimedMember[] }
  for (const extent of entries.values()) {
    if (claimed.has(extent)) continue
    const { name } = extent
    const kind = STORAGE_MEMBER.test(name.slice(prefix.length)) ? "storages" : "members"
    unclaimed[kind].push({ name, byteLength: sizeOf(extent) })
  }
  return unclaimed
}

function sizeOf({ byteLength, storedLength }: ByteExtent): number {
  return Math.max(byteLength, storedLength)
}
