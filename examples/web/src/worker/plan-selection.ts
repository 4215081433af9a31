/** What people choose in the page, as the library's options; and what a plan says, as the page shows it. */

import type { ConversionReport, PlanOptions } from "tosafetensors"
import { parseGlobs, parseRenameLines } from "../model/rename-lines.ts"
import type { Preview, Selection } from "./protocol.ts"

/** Names that a preview shows. */
const SHOWN_NAMES = 8

/** Aliases that are listed. */
const SHOWN_ALIASES = 50

/** Remembers which names have become others. */
export class RenameLog {
  count = 0
  readonly first: { from: string; to: string }[] = []

  note(from: string, to: string): void {
    if (from === to) return
    this.count += 1
    if (this.first.length < SHOWN_NAMES) this.first.push({ from, to })
  }
}

/** @throws RenameLineError */
export function planOptions(selection: Selection, log: RenameLog): PlanOptions {
  const apply = parseRenameLines(selection.rename)
  const rename = (name: string): string => {
    const renamed = apply?.(name) ?? name
    log.note(name, renamed)
    return renamed
  }
  return {
    root: selection.root,
    shared: selection.shared,
    include: parseGlobs(selection.include),
    exclude: parseGlobs(selection.exclude),
    rename: apply === undefined ? undefined : rename,
  }
}

/** The short of a report. */
export function previewOf(report: ConversionReport, log: RenameLog): Preview {
  const { root, tensorCount, parameterCount, byteLength, aliases, leftOut, unreferenced, tensors } = report
  const { parts, partCount, sameNames } = leftOut
  return {
    root,
    rootReason: report.rootReason,
    parts,
    partCount,
    sameNames,
    tensorCount,
    parameterCount,
    byteLength,
    aliasCount: aliases.length,
    aliases: aliases.slice(0, SHOWN_ALIASES),
    outsideRoot: leftOut.outsideRoot,
    filteredCount: leftOut.filtered.length,
    unreferenced,
    warnings: report.warnings.map(({ message }) => message),
    names: tensors.slice(0, SHOWN_NAMES).map(({ name }) => name),
    renamedCount: log.count,
    renamed: log.first,
  }
}
