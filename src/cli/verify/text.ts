/** What `verify` prints for people. */

import type { ConversionReport, HeaderFinding, SafetensorsHeader } from "../../node/index.ts"
import { safeMessage } from "../../node/texts-for-command-line.ts"
import { type OutputStream, paint } from "../terminal/streams.ts"
import {
  type Fact,
  factLines,
  quoted,
  sayBytes,
  sayCount,
  sayCounted,
  sayFew,
  shown,
} from "../terminal/words.ts"
import type { Difference, MetadataDifference } from "./comparison.ts"

/** Differences and metadata entries that are listed before they are counted. All of them are in the JSON. */
const LISTED = 20

/** What comparing a file with a checkpoint has found. */
export interface Comparison {
  readonly differences: readonly Difference[]
  readonly metadata: readonly MetadataDifference[]
  /** Whether every byte of the file, the header's too, is what a conversion would write. */
  readonly identical: boolean
  /** Whether the file was to say what it was made from, and does not say this checkpoint. */
  readonly misattributed: boolean
  readonly report: ConversionReport
  readonly notes: readonly string[]
}

/** Whether the file follows the format, with every finding. */
export function sayValidity(
  file: string,
  { findings, header }: { readonly findings: readonly HeaderFinding[]; readonly header?: SafetensorsHeader },
  stream: OutputStream,
): string {
  const name = paint(stream, "bold", shown(file))
  if (header !== undefined) {
    const bytes = Array.from(header.tensors.values()).reduce((sum, { start, end }) => sum + end - start, 0)
    const amounts = `${sayCounted(header.tensors.size, "tensor")}, ${sayBytes(bytes)} of tensor data`
    const headline = `${name} is ${paint(stream, "green", "valid")}: ${amounts}`
    return [headline, ...factLines([...metadataFacts(header), ...findingFacts(findings)], stream)].join("\n")
  }
  const errors = findings.filter(({ severity }) => severity === "error").length
  const headline = `${name} is ${paint(stream, "red", "not valid")}: ${sayCounted(errors, "error")}`
  return [headline, ...factLines(findingFacts(findings), stream)].join("\n")
}

function metadataFacts({ metadata }: SafetensorsHeader): readonly Fact[] {
  if (metadata === undefined || metadata.size === 0) return [["metadata", "none"]]
  const rows = Array.from(metadata, ([key, value]) => `${shown(key)}=${shown(value)}`)
  return [["metadata", sayFew(rows, LISTED)]]
}

function findingFacts(findings: readonly HeaderFinding[]): readonly Fact[] {
  return findings.map(({ rule, severity, tensor, at, problem }) => {
    const place = at === undefined ? "" : `@${at} `
    const subject = tensor === undefined ? "" : `${quoted(tensor)}: `
    return [severity, `${place}${subject}${safeMessage(problem)} [${rule}]`]
  })
}

/** Whether the file holds what a conversion of `checkpoint` would write. */
export function sayComparison(checkpoint: string, comparison: Comparison, stream: OutputStream): string {
  const { differences, metadata, report, notes } = comparison
  const facts: Fact[] = differences
    .slice(0, LISTED)
    .map((difference) => [difference.kind, sayDifference(difference, report)])
  if (differences.length > LISTED) facts.push(["", `and ${sayCount(differences.length - LISTED)} more`])
  facts.push(...metadata.slice(0, LISTED).map((entry): Fact => ["metadata", sayMetadata(entry)]))
  if (metadata.length > LISTED) facts.push(["", `and ${sayCount(metadata.length - LISTED)} more entries`])
  facts.push(...notes.map((note): Fact => ["note", note]))
  const headline = sayVerdict(shown(checkpoint), comparison, stream)
  return [headline, ...factLines(facts, stream)].join("\n")
}

function sayVerdict(
  checkpoint: string,
  { differences, identical, misattributed, report }: Comparison,
  stream: OutputStream,
): string {
  if (differences.length > 0) {
    return `${paint(stream, "red", "differs")} from a conversion of ${checkpoint} in ${sayAmount(differences)}`
  }
  if (misattributed) {
    const count = sayCounted(report.tensorCount, "tensor")
    return `${paint(stream, "red", "differs")}: every byte of ${count} is the same, but the metadata does not name ${checkpoint} as the source`
  }
  const same = paint(stream, "green", "same")
  if (identical) return `${same}: every byte is what a conversion of ${checkpoint} writes`
  const count = sayCounted(report.tensorCount, "tensor")
  return `${same}: every byte of ${count} is what a conversion of ${checkpoint} writes; only the header differs`
}

function sayAmount(differences: readonly Difference[]): string {
  const aliases = differences.filter(({ kind }) => kind === "alias").length
  const tensors = differences.length - aliases
  if (aliases === 0) return sayCounted(tensors, "tensor")
  const entries = `${sayCount(aliases)} ${aliases === 1 ? "name" : "names"} of tied tensors`
  return tensors === 0 ? entries : `${sayCounted(tensors, "tensor")} and ${entries}`
}

function sayDifference(difference: Difference, { aliases }: ConversionReport): string {
  const name = quoted(difference.name)
  switch (difference.kind) {
    case "missing":
      return `${name} is not in the file`
    case "extra": {
      const alias = aliases.find(({ dropped }) => dropped === difference.name)
      if (alias === undefined) return `${name} is not written by a conversion`
      return `${name} is an alias of ${quoted(alias.kept)}; --shared copy compares it as a tensor`
    }
    case "alias": {
      const { found, expected } = difference
      const wanted = expected === undefined ? "for no tensor" : `for ${quoted(expected)}`
      const is = found === undefined ? "is not recorded" : `is recorded for ${quoted(found)}`
      return `${name} ${is}; a conversion records it ${wanted}`
    }
    case "bytes": {
      const { at, atInFile, found, expected } = difference
      return `${name} differs first at byte ${at} (${atInFile} in the file): ${hex(found)} instead of ${hex(expected)}`
    }
    default:
      return `${name} is ${difference.found} instead of ${difference.expected}`
  }
}

function sayMetadata({ key, found, expected }: MetadataDifference): string {
  if (found === undefined) return `${quoted(key)} is missing (${quoted(expected ?? "")} is written)`
  if (expected === undefined) return `${quoted(key)} is ${quoted(found)} (not written)`
  return `${quoted(key)} is ${quoted(found)} instead of ${quoted(expected)}`
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`
}
