/** What people are told about a conversion. */

import type { ConversionReport } from "../../node/index.ts"
import { outsideFacts, rootFact, sayWarning, unreferencedFacts } from "../report-facts.ts"
import { lineWidth, type OutputStream, paint } from "../terminal/streams.ts"
import { type Column, tableLines } from "../terminal/table.ts"
import {
  type Fact,
  factLines,
  quoted,
  sayBytes,
  sayCount,
  sayCounted,
  sayDuration,
  sayFew,
  sayShape,
  shown,
} from "../terminal/words.ts"

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
  { output, elapsedMs, inputSha256, notes }: ConversionContext,
  stream: OutputStream,
): string {
  const target = output === undefined ? "standard output" : shown(output)
  const done = elapsedMs === undefined ? "would write" : paint(stream, "green", "wrote")
  const took = elapsedMs === undefined ? "" : ` in ${sayDuration(elapsedMs)}`
  const amounts = [
    sayCounted(report.tensorCount, "tensor"),
    sayCounted(report.parameterCount, "parameter"),
    sayBytes(report.byteLength) + took,
  ]
  const headline = `${done} ${paint(stream, "bold", target)}: ${amounts.join(", ")}`
  const { aliases, leftOut, unreferenced, warnings } = report
  const facts: Fact[] = inputSha256 === null ? [] : [["input", `sha256 ${inputSha256}`]]
  facts.push(rootFact(report))
  if (aliases.length > 0) {
    const rows = aliases.map(({ dropped, kept }) => `${quoted(dropped)} is ${quoted(kept)}`)
    facts.push(["aliases", `${sayFew(rows, LISTED)} (--keep NAME keeps another, --shared copy writes each)`])
  }
  facts.push(...outsideFacts(report))
  if (leftOut.filtered.length > 0) {
    const names = sayFew(leftOut.filtered.map(quoted), LISTED)
    const count = sayCounted(leftOut.filtered.length, "tensor")
    facts.push(["left out", `${count} by --include or --exclude: ${names}`])
  }
  facts.push(...unreferencedFacts(unreferenced))
  facts.push(...warnings.map((warning): Fact => ["warning", sayWarning(warning)]))
  facts.push(...notes.map((note): Fact => ["note", note]))
  return [headline, ...factLines(facts, stream)].join("\n")
}

/** The tensors of a plan as the lines of a table. */
export function sayPlannedTensors({ tensors }: ConversionReport, stream: OutputStream): readonly string[] {
  const rows = tensors.map(({ name, dtype, shape, byteLength, start, from }) => [
    ...[shown(name), dtype, sayShape(shape), sayBytes(byteLength)],
    ...[sayCount(start), from],
  ])
  const [titles = "", ...lines] = tableLines(PLAN_COLUMNS, rows, lineWidth(stream))
  return [paint(stream, "dim", titles), ...lines]
}
