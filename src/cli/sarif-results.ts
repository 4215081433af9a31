/** The results of a SARIF log: one for each global that refuses a file, one for each other finding. */

import type { ScanFinding, ScannedGlobal, ScanReport } from "../node/index.ts"
import type { SarifLevel } from "./sarif-rules.ts"
import type { SarifArtifactLocation } from "./sarif-text.ts"
import { plainMessage } from "./sarif-text.ts"
import { otherFindings, refusedGlobals, sayFinding, sayGlobal, sayUse } from "./scan-wording.ts"
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
  const { module, name, verdict, pickle, at, fileOffset, opcode, danger } = global
  const ruleId = verdict === "dangerous" ? "global-dangerous" : "global-unknown"
  const knowledge = danger === undefined ? "" : ` It ${danger.reason} (${danger.source}).`
  const text = `The pickle ${shown(pickle)} names the ${verdict} global ${sayGlobal(global)}: ${sayUse(global)}; first named at ${at}.${knowledge}`
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
  { byteLength }: ScanReport,
  location: SarifArtifactLocation,
): SarifResult {
  const { severity, code, within, at } = finding
  // A message in several lines is a list, whose indentation a plain text message must not have.
  const text = sayFinding(finding).replaceAll(/\n\s*/g, "\n")
  const offset = within === undefined && at !== undefined && at <= byteLength ? at : undefined
  return {
    ruleId: code,
    level: severity,
    message: plainMessage(text),
    locations: [locationOf(location, { offset, length: 0 }, within)],
    identity: [code, within ?? "", within === undefined ? text : ""],
  }
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
