/**
 * The records of an archive that torch looks up by name, as it looks them up.
 *
 * miniz, which torch reads archives with, takes A to Z for a to z in names and leaves all other characters alone
 * (`mz_zip_reader_filename_compare`). So `BYTEORDER` is torch's byte order, and no exact look-up here would find it.
 */

import { ZIP_NAME } from "../../archive/errors.ts"
import type { MemberTable } from "../../archive/read-zip.ts"
import { type ByteExtent, locateExtents } from "../../bytes/byte-extent.ts"
import { type ReadExtentOptions, readBeginning, readExtent } from "../../bytes/read-extent.ts"
import { CheckpointError } from "../../errors/checkpoint-error.ts"
import type { Storage } from "../../tensors/tensor.ts"
import { quoteText } from "../../text/quote-text.ts"
import {
  NOTHING_UNCLAIMED,
  type ReadingOptions,
  type UnclaimedMember,
  type UnclaimedMembers,
} from "../../torch/checkpoint-contents.ts"
import { UNSUPPORTED_LAYOUT } from "../../torch/errors.ts"

/** Marks of other layouts, and the pickle. */
const OTHERS: readonly string[] = ["data.pkl", "constants.pkl", "archive_format"]

const STORAGE = /^data\/[0-9]+$/

/** @throws `zip-name` for a member of `prefix` that torch would take for a record or a storage of another name. */
export function refuseOtherCase(entries: MemberTable, prefix: string): void {
  for (const { name } of entries.values()) {
    const own = name.slice(prefix.length)
    if (!/[A-Z]/.test(own)) continue
    const folded = own.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    if (![...TORCH_RECORDS, ...OTHERS].includes(folded) && !STORAGE.test(folded)) continue
    const problem = `torch takes it for ${quoteText(folded)}: it does not tell upper from lower case`
    throw new CheckpointError(ZIP_NAME, { within: name, problem })
  }
}

/** `kMinSupportedFileFormatVersion` and `kMaxSupportedFileFormatVersion` (caffe2/serialize/versions.h, torch 2.13). */
const LOWEST_VERSION = 1
const HIGHEST_VERSION = 10

/** White space, a sign, digits; whatever follows them is not looked at: so reads C++'s `std::stoull`. */
const NUMBER = /^[ \t-\r]*([+-]?)([0-9]+)/

/** What follows the number may be anything, but is read with it. No writer writes more than three bytes. */
const LONGEST_VERSION = 64 * 1024

/**
 * Holds the version to what torch reads. `.data/version` comes before `version`; an archive without either is read here
 * (docs/formats.md).
 *
 * @throws `unsupported-layout`.
 */
export async function requireVersion(
  entries: MemberTable,
  prefix: string,
  options: ReadingOptions,
): Promise<void> {
  const extent = entries.get(`${prefix}.data/version`) ?? entries.get(`${prefix}version`)
  if (extent === undefined) return
  const tooLong = extent.byteLength > LONGEST_VERSION
  const text = tooLong ? "" : new TextDecoder("latin1").decode(await readExtent(extent, options))
  const [, sign = "", digits] = NUMBER.exec(text) ?? []
  const version = digits === undefined ? 0 : Number(`${sign}${digits}`)
  if (version >= LOWEST_VERSION && version <= HIGHEST_VERSION) return
  const shown = tooLong ? `a record of ${extent.byteLength} bytes` : quoteText(text.slice(0, 64))
  throw new CheckpointError(UNSUPPORTED_LAYOUT, {
    layout: `a checkpoint whose version is ${shown}`,
    problem: `torch reads the versions ${LOWEST_VERSION} to ${HIGHEST_VERSION} of the format`,
  })
}

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
const TORCH_RECORDS: readonly string[] = /* @__PURE__ */ Array.from(RECORDS.keys())

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
