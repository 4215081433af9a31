/** What people choose in the page, as the library's options; and what a plan says, as the page shows it. */

import type { Checkpoint, ConversionReport, PlanOptions, RootCandidate } from "tosafetensors"
import { isCheckpointError } from "tosafetensors"
import { parseGlobs, parseRenameLines } from "../model/rename-lines.ts"
import type { Preview, Selection } from "./protocol.ts"

/** Names that a preview shows. */
const SHOWN_NAMES = 8

/** Aliases that are listed. */
const SHOWN_ALIASES = 50

/** A key that no checkpoint has: the error lists what there is instead. */
const NO_SUCH_KEY = "\0"

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

/** Everything near the top that holds tensors, so that one can be picked. */
export function rootCandidates(checkpoint: Checkpoint): readonly RootCandidate[] {
  const top = candidatesBelow(checkpoint, [])
  const inner = top.flatMap(({ path }) => (path.length === 1 ? candidatesBelow(checkpoint, path) : []))
  const seen = new Set<string>()
  return [...top, ...inner].filter(({ path }) => {
    const key = JSON.stringify(path)
    return !seen.has(key) && seen.add(key)
  })
}

function candidatesBelow(checkpoint: Checkpoint, path: readonly string[]): readonly RootCandidate[] {
  try {
    checkpoint.plan({ root: [...path, NO_SUCH_KEY] })
  } catch (error) {
    if (isCheckpointError(error) && error.code === "root-not-found") return error.detail.candidates
  }
  return []
}
