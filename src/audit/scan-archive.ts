/** Scans a zip archive: a checkpoint, a TorchScript program, a torch.export program. */

import type { MemberTable } from "../archive/member-table.ts"
import { readZip, type ZipArchive } from "../archive/read-zip.ts"
import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExtent } from "../bytes/read-extent.ts"
import { inTurns } from "../bytes/turns.ts"
import { quoteText } from "../quote-text.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { otherLayoutOf, readArchive } from "../torch/layout-zip.ts"
import { PickleAllowance } from "../torch/pickle-allowance.ts"
import { findPickleMembers, isPickleSteps } from "../torch/pickle-members.ts"
import type { AuditTrail } from "./audit-trail.ts"
import type { ScannedFormat } from "./scan-report.ts"

/** What an archive turned out to be, and its contents where a conversion would open it. */
export interface ScannedArchive {
  readonly format: ScannedFormat
  readonly contents: CheckpointContents | undefined
}

/** The pickle that a conversion reads. */
const MAIN_PICKLE = /^[^/]*\/data\.pkl$/

/** Source texts of TorchScript. */
const TORCHSCRIPT_CODE = /^[^/]*\/code\/.*\.py$/s

/** Lists all pickles of the archive, then has it read as a conversion would. */
export async function scanArchive(
  source: ByteSource,
  options: ReadingOptions,
  trail: AuditTrail,
): Promise<ScannedArchive> {
  let archive: ZipArchive
  try {
    archive = await readZip(source, options.limits, options.signal)
  } catch (error) {
    // An archive that can be read in two ways has no list of members that could be trusted.
    trail.addError(error)
    return { format: "zip", contents: undefined }
  }
  const format = otherLayoutOf(archive.entries)?.format ?? "zip"
  const strays = await listMembers(archive, options, trail)
  // A TorchScript archive has a pickle for each of its source files.
  if (format === "zip") for (const stray of strays) noteStray(stray, trail)
  noteCode(archive.entries, trail)
  try {
    return { format, contents: await readArchive(archive, options) }
  } catch (error) {
    trail.addError(error)
    return { format, contents: undefined }
  }
}

/** Lists every pickle, and returns those that torch.load does not read. */
async function listMembers(
  archive: ZipArchive,
  options: ReadingOptions,
  trail: AuditTrail,
): Promise<readonly ByteExtent[]> {
  const strays: ByteExtent[] = []
  const allowance = new PickleAllowance(options.limits)
  try {
    for (const member of await findPickleMembers(archive.entries.values(), options)) {
      const { name, coding, offset } = member
      allowance.take(member)
      const bytes = await readExtent(member, options)
      const isMain = MAIN_PICKLE.test(name)
      if (!isMain && !(await inTurns(isPickleSteps(bytes, options.limits), options.signal))) continue
      await trail.list({ name, bytes, start: 0, fileOffset: coding === "stored" ? offset : undefined })
      if (!isMain) strays.push(member)
    }
  } catch (error) {
    trail.addError(error)
  }
  return strays
}

function noteStray({ name }: ByteExtent, trail: AuditTrail): void {
  const message = `the archive holds a pickle that torch.load does not read: ${quoteText(name)}`
  trail.add({ severity: "note", code: "other-pickle", message, within: name })
}

function noteCode(entries: MemberTable, trail: AuditTrail): void {
  const count = entries.keys().filter((name) => TORCHSCRIPT_CODE.test(name)).length
  if (count === 0) return
  const message = `the archive holds ${count} source ${count === 1 ? "file" : "files"} of a TorchScript program, which torch.jit.load compiles`
  trail.add({ severity: "warning", code: "torchscript-code", message })
}
