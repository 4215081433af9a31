/** What people are told about a conversion. */

import type { ConversionReport, PlanWarning } from "../node/index.ts"
import type { Fact } from "./facts.ts"
import { factLines } from "./facts.ts"
import { sayBytes, sayCount, sayCounted, sayDuration } from "./quantities.ts"
import { outsideFacts, rootFact } from "./root-text.ts"
import { quoted, sayFew, sayShape, shown } from "./shown-text.ts"
import type { Column } from "./table.ts"
import { tableLines } from "./table.ts"
import type { OutputStream } from "./terminal.ts"
import { lineWidth, paint } from "./terminal.ts"
import { sayUnmatched } from "./unmatched-text.ts"
import { unreferencedFacts } from "./unreferenced-text.ts"

/** Aliases and left-out names that a summary lists before it counts the rest. */
const LISTED = 3

const PLAN_COLUMNS: readonly Column[] = [
  { title: "tensor", align: "left", elastic: true },
  { title: "dtype", align: "left" },
  { title: "shape", align: "left" },
  { title: "size", align: "right" },
  { title: "offset", align: "right" },
  { title: "bytes are", align: "left" },
]

/** What the report alone does not say. */
export interface ConversionContext {
  /** Path of the output; undefined for standard output. */
  readonly output: string | undefined
  /** How long it took; undefined when nothing was written. */
  readonly elapsedMs: number | undefined
  /** Null when nobody asked. */
  readonly inputSha256: string | null
  readonly notes: readonly string[]
}

/** A headline and the facts that matter, for `stream`. */
export function sayConversion(
  report: ConversionReport,
  context: ConversionContext,
  stream: OutputStream,
): string {
  const { output, elapsedMs } = context
  const target = output === undefined ? "standard output" : shown(output)
  const done = elapsedMs === undefined ? "would write" : paint(stream, "green", "wrote")
  const amounts = [
    sayCounted(report.tensorCount, "tensor"),
    sayCounted(report.parameterCount, "parameter"),
    sayBytes(report.byteLength) + (elapsedMs === undefined ? "" : ` in ${sayDuration(elapsedMs)}`),
  ]
  const headline = `${done} ${paint(stream, "bold", target)}: ${amounts.join(", ")}`
  return [headline, ...factLines(factsOf(report, context), stream)].join("\n")
}

function factsOf(report: ConversionReport, { inputSha256, notes }: ConversionContext): readonly Fact[] {
  const { aliases, leftOut, warnings } = report
  const facts: Fact[] = []
  if (inputSha256 !== null) facts.push(["input", `sha256 ${inputSha256}`])
  facts.push(rootFact(report))
  if (aliases.length > 0) {
    const rows = aliases.map(({ dropped, kept }) => `${quoted(dropped)} is ${quoted(kept)}`)
    facts.push(["aliases", `${sayFew(rows, LISTED)} (--keep NAME keeps another, --shared copy writes each)`])
  }
  facts.push(...outsideFacts(report))
  if (leftOut.filtered.length > 0) {
    const names = sayFew(leftOut.filtered.map(quoted), LISTED)
    facts.push([
      "left out",
      `${sayCounted(leftOut.filtered.length, "tensor")} by --include or --exclude: ${names}`,
    ])
  }
  facts.push(...unreferencedFacts(report.unreferenced))
  for (const warning of warnings) facts.push(["warning", sayWarning(warning)])
  for (const note of notes) facts.push(["note", note])
  return facts
}

/** A warning of the library in the command line's words. */
export function sayWarning(warning: PlanWarning): string {
  return warning.code === "glob-unmatched" ? sayUnmatched(warning) : warning.message
}

/** The tensors of a plan as the lines of a table. */
export function sayPlannedTensors({ tensors }: ConversionReport, stream: OutputStream): readonly string[] {
  const rows = tensors.map(({ name, dtype, shape, byteLength, start, from }) => [
    shown(name),
    dtype,
    sayShape(shape),
    sayBytes(byteLength),
    sayCount(start),
    from,
  ])
  const [titles = "", ...lines] = tableLines(PLAN_COLUMNS, rows, lineWidth(stream))
  return [paint(stream, "dim", titles), ...lines]
}
