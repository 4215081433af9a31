/** Scans a zip archive: a checkpoint, a TorchScript program, a torch.export program. */

import type { MemberTable } from "../archive/member-table.ts"
import { readZip, type ZipArchive } from "../archive/read-zip.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { MemoryBudget } from "../pickle/memory-budget.ts"
import { quoteText } from "../text/quote-text.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { otherLayoutOf, readArchive } from "../torch/layout-zip.ts"
import { PickleAllowance } from "../torch/pickle-allowance.ts"
import type { FoundPickles } from "../torch/pickle-members.ts"
import { searchMembers } from "../torch/pickle-members.ts"
import type { AuditTrail } from "./audit-trail.ts"
import type { ZipInQuestion } from "./other-contents.ts"
import type { ScannedFormat } from "./scan-report.ts"

/** What an archive turned out to be, and its contents where a conversion would open it. */
export interface ScannedArchive {
  readonly format: ScannedFormat
  readonly contents: CheckpointContents | undefined
}

/** What is wrong with the container, and that it holds no checkpoint. */
const ZIP_FAULT = /^zip/
const NO_CHECKPOINT = /^(?:zip-layout|not-a-checkpoint)$/

/** The pickle that a conversion reads. */
const MAIN_PICKLE = /^[^/]*\/data\.pkl$/

/** Raw elements of tensors, in archives of which nothing tells what they hold: TorchScript's and torch.export's. */
const RAW_DATA = /(?:^|\/)(?:(?:data|constants)\/[0-9]{1,20}|data\/(?:weights|constants)\/[^/]+)$/

/** Source texts of TorchScript. */
const TORCHSCRIPT_CODE = /^[^/]*\/code\/.*\.py$/s

/** Lists all pickles of the archive, then has it read as a conversion would. */
export async function scanArchive(
  source: ByteSource,
  options: ReadingOptions,
  trail: AuditTrail,
  name: string,
): Promise<ScannedArchive> {
  let archive: ZipArchive
  try {
    archive = await readZip(source, options.limits, options.signal)
  } catch (error) {
    // An archive that can be read in two ways has no list of members that could be trusted.
    await noteUnread(error, { source, name, entries: undefined }, options, trail)
    return { format: "zip", contents: undefined }
  }
  const other = otherLayoutOf(archive.entries)
  const format = other?.format ?? "zip"
  const seen = { main: false, strays: false }
  const onPickles = async (found: FoundPickles): Promise<void> => {
    await trail.listRow(found)
    if (MAIN_PICKLE.test(found.name)) seen.main = true
    else seen.strays = true
    // A TorchScript archive has a pickle for each of its source files.
    if (other === undefined && !MAIN_PICKLE.test(found.name)) noteStray(found, trail)
  }
  if (other !== undefined) await listMembers(archive, options, trail, onPickles)
  noteCode(archive.entries, trail)
  let contents: CheckpointContents | undefined
  let refusal: unknown
  try {
    contents = await readArchive(archive, options, onPickles)
  } catch (error) {
    refusal = error
  }
  // What is no checkpoint may be anything, and hold pickles all the same.
  if (other === undefined && !seen.main) await listMembers(archive, options, trail, onPickles)
  if (refusal !== undefined) {
    if (seen.strays) trail.addError(refusal)
    else await noteUnread(refusal, { source, name, entries: archive.entries }, options, trail)
  }
  return { format, contents }
}

/** Notes why an archive is refused, or that it is one of other files, as most zip archives are. */
async function noteUnread(
  error: unknown,
  zip: ZipInQuestion,
  { limits, signal }: ReadingOptions,
  trail: AuditTrail,
): Promise<void> {
  const mayBeOther = zip.entries === undefined ? ZIP_FAULT : NO_CHECKPOINT
  if (isCheckpointError(error) && mayBeOther.test(error.code)) {
    // Loaded when it is needed: most archives that are scanned are checkpoints.
    const { findOtherZip } = await import("./other-contents.ts")
    const other = await findOtherZip(zip, limits.maxPickleBytes, signal)
    if (other !== undefined) return trail.addOther(other, error)
  }
  trail.addError(error)
}

/** Lists the pickles of an archive that no conversion reads. */
async function listMembers(
  archive: ZipArchive,
  options: ReadingOptions,
  trail: AuditTrail,
  onPickles: (found: FoundPickles) => Promise<void>,
): Promise<void> {
  const { limits } = options
  const members = archive.entries.values().filter(({ name }) => !RAW_DATA.test(name))
  const search = {
    ...{ options, onPickles, isStrict: false },
    allowance: new PickleAllowance(limits),
    budget: { opcodes: 0, memory: MemoryBudget.of(limits, 0) },
  }
  try {
    await searchMembers(members, search)
  } catch (error) {
    trail.addError(error)
  }
}

function noteStray({ name }: FoundPickles, trail: AuditTrail): void {
  const message = `the archive holds a pickle that torch.load does not read: ${quoteText(name)}`
  trail.add({ severity: "note", code: "other-pickle", message, within: name })
}

function noteCode(entries: MemberTable, trail: AuditTrail): void {
  const count = entries.keys().filter((name) => TORCHSCRIPT_CODE.test(name)).length
  if (count === 0) return
  const message = `the archive holds ${count} source ${count === 1 ? "file" : "files"} of a TorchScript program, which torch.jit.load compiles`
  trail.add({ severity: "warning", code: "torchscript-code", message })
}
