/**
 * The records of an archive that torch looks up by name, as it looks them up.
 *
 * miniz, which torch reads archives with, takes A to Z for a to z in names and leaves all other characters alone
 * (`mz_zip_reader_filename_compare`). So `BYTEORDER` is torch's byte order, and no exact look-up here would find it.
 */

import { ZIP_NAME } from "../../archive/errors.ts"
import type { MemberTable } from "../../archive/read-zip.ts"
import { readExtent } from "../../bytes/read-extent.ts"
import { CheckpointError } from "../../errors/checkpoint-error.ts"
import { quoteText } from "../../text/quote-text.ts"
import type { ReadingOptions } from "../../torch/checkpoint-contents.ts"
import { UNSUPPORTED_LAYOUT } from "../../torch/errors.ts"
import { TORCH_RECORDS } from "./unclaimed-members.ts"

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
