/** Zip archives. What lies in one is told by a record in its one folder: a checkpoint, a TorchScript program, an exported one. */

import { type MemberTable, readZip, type ZipArchive } from "../../archive/read-zip.ts"
import { CheckpointError, isCheckpointError } from "../../errors/checkpoint-error.ts"
import { MemoryBudget } from "../../pickle/memory-budget.ts"
import { quoteText } from "../../text/quote-text.ts"
import type { CheckpointContents, ReadingOptions } from "../../torch/checkpoint-contents.ts"
import { UNSUPPORTED_LAYOUT } from "../../torch/errors.ts"
import type { Audit, FoundPickles, Layout, LayoutFile, ScannedFormat } from "../layout.ts"
import { PickleAllowance, searchMembers } from "./pickle-members.ts"

/** What an archive may hold. */
export interface ArchiveLayout {
  /** The record in the archive's folder that marks it, and what the file is then. Without one, it is whatever no other is. */
  readonly mark?: { readonly record: string; readonly format: ScannedFormat }
  /** `prefix` is the archive's folder. `onPickles` gets every pickle of it, as many as can be found where it is refused. */
  open(
    archive: ZipArchive,
    prefix: string,
    options: ReadingOptions,
    onPickles?: (found: FoundPickles) => Promise<void>,
  ): Promise<CheckpointContents>
}

/** The pickle that a conversion reads. */
const MAIN_PICKLE = /^[^/]*\/data\.pkl$/

/** Raw elements of tensors, in archives of which nothing tells what they hold: TorchScript's and torch.export's. */
const RAW_DATA = /(?:^|\/)(?:(?:data|constants)\/[0-9]{1,20}|data\/(?:weights|constants)\/[^/]+)$/

/** Source texts of TorchScript. */
const TORCHSCRIPT_CODE = /^[^/]*\/code\/.*\.py$/s

/** Archives that hold what one of `layouts` says. */
/* @__NO_SIDE_EFFECTS__ */
export function zipLayout(layouts: readonly ArchiveLayout[]): Layout {
  return {
    format: "zip",
    what: "a zip archive",
    recognise: (head) => [0x50, 0x4b, 3, 4].every((byte, i) => head[i] === byte),
    // The archive's directory, and its local headers, unless reads are dear: then those that are needed.
    open: async ({ source }, options) => {
      const headerTime = source.readCost === "high" ? "when-needed" : "at-once"
      const archive = await readZip(source, options.limits, options.signal, headerTime)
      return layoutIn(archive, layouts).open(archive, await requireFolder(archive), options)
    },
  }
}

/** The first whose record is there. */
function layoutIn({ entries }: ZipArchive, layouts: readonly ArchiveLayout[]): ArchiveLayout {
  const prefix = folderOf(entries.values()[0]?.name ?? "")
  const isIt = ({ mark }: ArchiveLayout): boolean => mark === undefined || entries.has(prefix + mark.record)
  return layouts.find(isIt) as ArchiveLayout
}

/** With its slash; empty for none. */
function folderOf(name: string): string {
  return name.slice(0, name.indexOf("/") + 1)
}

/**
 * The one folder that all members lie in. It need not be the file's name: files get renamed. Entries of empty folders count,
 * because torch goes by whatever entry comes first.
 */
async function requireFolder(archive: ZipArchive): Promise<string> {
  const { entries, folders } = archive
  const [first] = entries.values()
  if (first === undefined) throw await layoutFault(archive, "the archive is empty")
  const folder = folderOf(first.name)
  const shown = quoteText(first.name)
  if (folder === "") throw await layoutFault(archive, `the member ${shown} lies in no folder`)
  const isOutside = (name: string): boolean => !name.startsWith(folder)
  const other = entries.values().find(({ name }) => isOutside(name))?.name ?? folders.find(isOutside)
  if (other === undefined) return folder
  throw await layoutFault(archive, `members lie in more than one folder: ${shown} and ${quoteText(other)}`)
}

/** The refusal of an archive that is no checkpoint because of `problem`. Says what it is. */
export async function layoutFault({ entries }: ZipArchive, problem: string): Promise<CheckpointError> {
  // Loaded when it is needed: most archives are checkpoints.
  const { describeArchive } = await import("../other/describe-file.ts")
  return describeArchive(entries.values(), problem)
}

/** A program in an archive. Nobody is told to load it: a program runs when it is. */
/* @__NO_SIDE_EFFECTS__ */
export function programLayout(
  format: ScannedFormat,
  record: string,
  layout: string,
  programs: string,
): ArchiveLayout {
  const nextStep = "Look for the state_dict() of the same model, or ask whoever made the file for it."
  const problem = `${programs} are not converted, only state dicts are`
  return {
    mark: { record, format },
    open: async () => {
      throw new CheckpointError(UNSUPPORTED_LAYOUT, { layout, problem }, { nextStep })
    },
  }
}

/** Has the archive read as a conversion would, and lists all pickles that it comes to; all members of one that is refused. */
export async function auditArchive(
  { source, store }: LayoutFile,
  options: ReadingOptions,
  audit: Audit,
  layouts: readonly ArchiveLayout[],
): Promise<CheckpointContents | undefined> {
  const { format } = audit
  const seen = { main: false, strays: false }
  const onPickles = async (found: FoundPickles): Promise<void> => {
    await audit.listRow(found)
    const isMain = MAIN_PICKLE.test(found.name)
    seen[isMain ? "main" : "strays"] = true
    // A TorchScript archive has a pickle for each of its source files.
    if (!isMain && audit.format === format) noteStray(found, audit)
  }
  let entries: MemberTable | undefined
  try {
    const archive = await readZip(source, options.limits, options.signal)
    entries = archive.entries
    const { mark, open } = layoutIn(archive, layouts)
    if (mark !== undefined) audit.format = mark.format
    noteCode(entries, audit)
    return await open(archive, await requireFolder(archive), options, onPickles)
  } catch (error) {
    // What is no checkpoint may be anything, and hold pickles all the same.
    if (entries !== undefined && !seen.main) await listMembers(entries, options, audit, onPickles)
    // An archive that can be read in two ways has no list of members that could be trusted.
    const mayBeOther = entries === undefined ? /^zip/ : /^(?:zip-layout|not-a-checkpoint)$/
    if (seen.strays || !isCheckpointError(error) || !mayBeOther.test(error.code)) throw error
    // Loaded when it is needed: most archives that are scanned are checkpoints.
    const { findOtherZip } = await import("../other/other-contents.ts")
    const zip = { source, name: store.name, entries }
    const other = await findOtherZip(zip, options.limits.maxPickleBytes, options.signal)
    if (other === undefined) throw error
    audit.addOther(other, error)
    return undefined
  }
}

/** Lists the pickles of an archive that no conversion reads. */
async function listMembers(
  entries: MemberTable,
  options: ReadingOptions,
  audit: Audit,
  onPickles: (found: FoundPickles) => Promise<void>,
): Promise<void> {
  const { limits } = options
  const members = entries.values().filter(({ name }) => !RAW_DATA.test(name))
  const allowance = new PickleAllowance(limits)
  const budget = { opcodes: 0, memory: MemoryBudget.of(limits, 0) }
  try {
    await searchMembers(members, { options, onPickles, isStrict: false, allowance, budget })
  } catch (error) {
    audit.addError(error)
  }
}

function noteStray({ name }: FoundPickles, audit: Audit): void {
  const message = `the archive holds a pickle that torch.load does not read: ${quoteText(name)}`
  audit.add({ severity: "note", code: "other-pickle", message, within: name })
}

function noteCode(entries: MemberTable, audit: Audit): void {
  const count = entries.keys().filter((name) => TORCHSCRIPT_CODE.test(name)).length
  if (count === 0) return
  const message = `the archive holds ${count} source ${count === 1 ? "file" : "files"} of a TorchScript program, which torch.jit.load compiles`
  audit.add({ severity: "warning", code: "torchscript-code", message })
}
