/** The results of a SARIF log: one for each global that refuses a file, one for each other finding. */

import type { ScanFinding, ScannedFormat, ScannedGlobal, ScanReport } from "../node/index.ts"
import { safeMessage } from "../text/quote-text.ts"
import type { SarifLevel } from "./sarif-rules.ts"
import { headerRuleId } from "./sarif-rules.ts"
import type { SarifArtifactLocation } from "./sarif-text.ts"
import { plainMessage } from "./sarif-text.ts"
import { otherFindings, refusedGlobals, sayGlobal, sayUse } from "./scan-wording.ts"
import { shown } from "./shown-text.ts"

/** What is wrong, where, and what tells it from other results of the same file. */
export interface SarifResult {
  readonly ruleId: string
  readonly level: SarifLevel
  readonly message: { readonly text: string }
  readonly locations: readonly object[]
  /** Stays the same while the file changes elsewhere: no offsets. */
  readonly identity: readonly string[]
}

/** Bytes of opcodes that name a global; of the others the names are a part. */
const OPCODE_BYTES: ReadonlyMap<string, number> = new Map([
  ["STACK_GLOBAL", 1],
  ["EXT1", 2],
  ["EXT2", 3],
  ["EXT4", 5],
])

/** Formats whose pickles are members. */
const ARCHIVES: ReadonlySet<ScannedFormat> = new Set<ScannedFormat>(["zip", "torchscript", "torch-export"])

/** The results of one file. */
export function resultsOf(report: ScanReport, location: SarifArtifactLocation): readonly SarifResult[] {
  return [
    ...refusedGlobals(report).map((global) => globalResult(global, location, report.byteLength)),
    ...otherFindings(report).map((finding) => findingResult(finding, report, location)),
  ]
}

function globalResult(
  global: ScannedGlobal,
  location: SarifArtifactLocation,
  fileLength: number,
): SarifResult {
  const { module, name, verdict, pickle, at, fileOffset, opcode, danger, about } = global
  const ruleId = verdict === "dangerous" ? "global-dangerous" : "global-unknown"
  const what = about === undefined ? "" : ` It is known as ${about.what} (${about.source}).`
  const knowledge = danger === undefined ? what : ` It ${danger.reason} (${danger.source}).`
  const place = `named at byte ${at} of ${shown(pickle)}, ${sayUse(global)}`
  const text = `The ${verdict} global ${sayGlobal(global)} is ${place}.${knowledge}`
  const length = OPCODE_BYTES.get(opcode) ?? Buffer.byteLength(`c${module}\n${name}\n`)
  const bytes = { offset: fileOffset, length: Math.min(length, fileLength - (fileOffset ?? 0)) }
  return {
    ruleId,
    level: "error",
    message: plainMessage(text),
    locations: [locationOf(location, bytes, pickle)],
    identity: [ruleId, pickle, opcode, module, name],
  }
}

function findingResult(
  finding: ScanFinding,
  report: ScanReport,
  location: SarifArtifactLocation,
): SarifResult {
  const { severity, code, message, within } = finding
  const ruleId = isHeaderFinding(finding, report) ? headerRuleId(code) : code
  // A message in several lines is a list, whose indentation a plain text message must not have.
  const text = safeMessage(message).replaceAll(/\n\s*/g, "\n")
  const offset = fileOffsetOf(finding, report)
  return {
    ruleId,
    level: severity,
    message: plainMessage(text),
    locations: [locationOf(location, { offset, length: 0 }, within)],
    identity: [ruleId, within ?? "", within === undefined ? text : ""],
  }
}

/** Those of the safetensors header; what is wrong with the file as a whole comes with a next step. */
function isHeaderFinding({ nextStep }: ScanFinding, { format }: ScanReport): boolean {
  return format === "safetensors" && nextStep === undefined
}

/** Where in the file it is, as far as that follows: errors of the container count from its start, others do not. */
function fileOffsetOf({ code, within, at }: ScanFinding, report: ScanReport): number | undefined {
  const { format, pickles, byteLength } = report
  if (at === undefined) return undefined
  const isInFile = within === undefined || code.startsWith("zip") || !ARCHIVES.has(format)
  const start = isInFile ? 0 : pickles.find(({ name }) => name === within)?.offset
  return start === undefined || start + at > byteLength ? undefined : start + at
}

/**
 * SARIF wants binary regions alone in binary files (3.30.1), and GitHub shows no result without `startLine`, which the
 * schema lets stand beside them. So every region begins in line 1, as those of OpenSSF Scorecard for binaries do.
 */
function locationOf(
  artifactLocation: SarifArtifactLocation,
  { offset, length }: { readonly offset: number | undefined; readonly length: number },
  within: string | undefined,
): object {
  const bytes = offset === undefined ? {} : { byteOffset: offset, byteLength: length }
  return {
    physicalLocation: { artifactLocation, region: { startLine: 1, ...bytes } },
    ...(within === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: shown(within) }] }),
  }
}
