/** Turns what a plan has decided into the report that the caller gets. */

import type { UnmatchedGlob } from "../errors.ts"
import { quoteText } from "../quote-text.ts"
import type { CheckpointContents } from "../torch/checkpoint-contents.ts"
import type { ChosenRoot } from "./choose-root.ts"
import type { ConversionReport, PlannedTensor, PlanWarning } from "./conversion-plan.ts"
import type { Alias } from "./resolve-sharing.ts"
import type { UnreferencedBytes } from "./unreferenced-bytes.ts"

/** What the plan has decided. */
export interface ReportFacts {
  readonly verify: "crc" | "none" | undefined
  readonly root: Pick<ChosenRoot, "path" | "reason">
  readonly byteLength: number
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: readonly PlannedTensor[]
  readonly aliases: readonly Alias[]
  readonly parameterCount: number
  readonly leftOut: ConversionReport["leftOut"]
  readonly unreferenced: UnreferencedBytes
  readonly unmatched: readonly UnmatchedGlob[]
  readonly warnings: readonly PlanWarning[]
}

/** The report on a plan. */
export function makeReport(
  { layout, hasChecksums }: CheckpointContents,
  facts: ReportFacts,
): ConversionReport {
  const { root, byteLength, tensors, aliases, parameterCount, leftOut } = facts
  const checksums = facts.verify === "none" ? "not-checked" : hasChecksums ? "checked" : "absent"
  return {
    layout,
    root: root.path,
    rootReason: root.reason,
    byteLength,
    tensorCount: tensors.length,
    parameterCount,
    metadata: metadataObject(facts.metadata),
    tensors,
    aliases,
    leftOut,
    unreferenced: facts.unreferenced,
    checksums,
    warnings: [...warningsFor(checksums, layout), ...facts.unmatched.map(warningOf), ...facts.warnings],
  }
}

/** A null prototype: a dropped tensor may be called `__proto__`. */
function metadataObject(metadata: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const object: Record<string, string> = Object.create(null)
  for (const [key, value] of metadata) object[key] = value
  return object
}

function warningsFor(checksums: ConversionReport["checksums"], layout: string): readonly PlanWarning[] {
  if (checksums === "not-checked") {
    const message = "the archive's checksums were not checked, as asked"
    return [{ code: "checksums-not-checked", message }]
  }
  if (checksums === "checked" || layout === "legacy") return []
  const message = "the archive was saved without checksums: damage to the weights would not be noticed"
  return [{ code: "checksums-absent", message }]
}

function warningOf(unmatched: UnmatchedGlob): PlanWarning {
  const { option, glob } = unmatched
  return {
    code: "glob-unmatched",
    message: `\`${option}\` ${quoteText(glob)} matches no tensor`,
    ...unmatched,
  }
}
