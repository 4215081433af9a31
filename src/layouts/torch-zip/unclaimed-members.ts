/** Members of a checkpoint's archive that nothing in it asks for. */

import type { MemberTable } from "../../archive/read-zip.ts"
import { type ByteExtent, locateExtents } from "../../bytes/byte-extent.ts"
import { type ReadExtentOptions, readBeginning } from "../../bytes/read-extent.ts"
import type { Storage } from "../../tensors/tensor.ts"
import {
  NOTHING_UNCLAIMED,
  type UnclaimedMember,
  type UnclaimedMembers,
} from "../../torch/checkpoint-contents.ts"

/**
 * Records that torch 2.13 and before it write beside pickle and storages, and what stands in them
 * (`torch/serialization.py`, `_save`; `caffe2/serialize/inline_container.cc`, `writeEndOfFile`; `.data/version` from file
 * format 6 on): numbers, and a byte order. None of it names a global to an unpickler, whatever reads it.
 */
const RECORDS: ReadonlyMap<string, RegExp> = new Map([
  ["version", /^[0-9]{1,20}\n?$/],
  [".data/version", /^[0-9]{1,20}\n?$/],
  ["byteorder", /^(?:little|big)$/],
  [".data/serialization_id", /^[0-9]{1,40}$/],
  [".format_version", /^[0-9]{1,20}$/],
  [".storage_alignment", /^[0-9]{1,20}$/],
])

/** Their names. */
export const TORCH_RECORDS: readonly string[] = /* @__PURE__ */ Array.from(RECORDS.keys())

/** The longest of them, `.data/serialization_id`, has 40 digits. A longer one holds something else. */
const MOST_RECORD_BYTES = 64

/** No global can be named in so few bytes, so they need not be read. */
const HARMLESS_BYTES = 2

const STORAGE_MEMBER = /^data\/[0-9]{1,20}$/

/** The members of `entries`, all in the folder `prefix`, that are records of torch by their names and by their content. */
export async function findRecords(
  entries: MemberTable,
  prefix: string,
  options: Pick<ReadExtentOptions, "signal" | "inflate">,
): Promise<readonly ByteExtent[]> {
  const extents = Array.from(RECORDS.keys(), (name) => entries.get(prefix + name))
  const short = extents
    .filter((extent) => extent !== undefined)
    .filter((extent) => sizeOf(extent) <= MOST_RECORD_BYTES)
  const checked = await Promise.all(short.map((extent) => isRecord(extent, prefix, options)))
  return short.filter((_, index) => checked[index] === true)
}

async function isRecord(
  extent: ByteExtent,
  prefix: string,
  options: Pick<ReadExtentOptions, "signal" | "inflate">,
): Promise<boolean> {
  if (sizeOf(extent) <= HARMLESS_BYTES) return true
  await locateExtents([extent], options.signal)
  const bytes = await readBeginning(extent, extent.byteLength, options)
  return RECORDS.get(extent.name.slice(prefix.length))?.test(String.fromCharCode(...bytes)) === true
}

/** The members of `entries`, all in the folder `prefix`, that are neither `known` nor of `storages`. */
export function findUnclaimed(
  entries: MemberTable,
  prefix: string,
  known: readonly ByteExtent[],
  storages: readonly Storage[],
): UnclaimedMembers {
  const claimed = new Set(known)
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
