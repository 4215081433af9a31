/** What `scan --sarif` prints: a log of one run in SARIF 2.1.0, for code scanning. */

import { isAbsolute, posix, relative, resolve, sep } from "node:path"
import { pathToFileURL } from "node:url"
import { version } from "../../../package.json"
import type { ScanFinding, ScannedFormat, ScannedGlobal, ScanReport } from "../../node/index.ts"
import { safeMessage } from "../../node/texts-for-command-line.ts"
import { jsonText } from "../terminal/json-text.ts"
import { type OutputStream, printText } from "../terminal/streams.ts"
import { shown } from "../terminal/words.ts"
import { isUrl, shownInput } from "../urls.ts"
import type { ScanOutcome, ScanOutput, ScanTally } from "./outcome.ts"
import { otherFindings, refusedGlobals, STANDARD_INPUT, sayGlobal, sayUse } from "./outcome.ts"
import { headerRuleId, ruleOf, type SarifLevel, SCAN_RULES } from "./sarif-rules.ts"

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

/** Stands for the folder that the command was run in, the usual name for where a repository lies. */
const BASE_ID = "%SRCROOT%"

/** The rule of files that could not be read. */
const UNREAD = {
  id: "file-unread",
  shortDescription: { text: "A file could not be read, so it was not scanned." },
  defaultConfiguration: { level: "error" },
}

/** Collects one log. Nothing in it depends on the machine or on the time. */
export function scanSarif(stream: OutputStream): ScanOutput {
  const rules = new Map(SCAN_RULES)
  // As JSON at once: the bound on what is written as JSON is meant for one checkpoint.
  const artifacts: string[] = []
  const results: string[] = []
  const notifications: object[] = []
  const tell = async (outcome: ScanOutcome): Promise<void> => {
    if (outcome.is === "skipped") return
    const location = outcome.isStandardInput
      ? relativeLocation(STANDARD_INPUT)
      : artifactLocation(outcome.file)
    if (outcome.is === "unread") {
      const message = plainMessage(outcome.error.message)
      const descriptor = { id: UNREAD.id, index: 0 }
      const locations = [{ physicalLocation: { artifactLocation: location } }]
      notifications.push({ descriptor, level: "error", message, locations })
      return
    }
    const { report } = outcome
    const index = artifacts.length
    artifacts.push(jsonText({ location, length: report.byteLength, roles: ["analysisTarget"] }))
    const fingerprintOf = await loadFingerprints()
    for (const result of resultsOf(report, { ...location, index })) {
      const { ruleId, level, message, locations } = result
      if (!rules.has(ruleId)) rules.set(ruleId, ruleOf(ruleId, level))
      const ruleIndex = [...rules.keys()].indexOf(ruleId)
      const partialFingerprints = fingerprintOf(result)
      results.push(jsonText({ ruleId, ruleIndex, level, message, locations, partialFingerprints }))
    }
  }
  const end = async ({ exitCode, unread }: ScanTally): Promise<void> => {
    const identity = { name: "tosafetensors", version, semanticVersion: version }
    const driver = { ...identity, rules: [...rules.values()], notifications: [UNREAD] }
    const ending = { executionSuccessful: unread === 0, exitCode, toolExecutionNotifications: notifications }
    const base = { [BASE_ID]: { description: { text: "The folder that the scan was run in." } } }
    const run = { tool: { driver }, invocations: [ending], originalUriBaseIds: base }
    const lists = `"artifacts":[${artifacts.join(",")}],"results":[${results.join(",")}]`
    const runs = `"runs":[${jsonText(run).slice(0, -1)},${lists}}]`
    await printText(stream, `${jsonText({ $schema: SCHEMA, version: "2.1.0" }).slice(0, -1)},${runs}}`)
  }
  return { tell, end }
}

/**
 * What tells the results of one file apart and apart from no others, run after run, by the name that GitHub looks for,
 * though there are no lines: a hash, and which of several equal ones it is.
 */
async function loadFingerprints(): Promise<(result: SarifResult) => object> {
  // Loading it takes longer than a scan, and nothing else needs it.
  const { createHash } = await import("node:crypto")
  const seen = new Map<string, number>()
  return ({ identity }) => {
    const hash = createHash("sha256").update(JSON.stringify(identity)).digest("hex")
    const ordinal = (seen.get(hash) ?? 0) + 1
    seen.set(hash, ordinal)
    return { primaryLocationLineHash: `${hash}:${ordinal}` }
  }
}

/** What is wrong, where, and what tells it from other results of the same file. */
interface SarifResult {
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

/** One for each global that refuses the file, one for each other finding. */
function resultsOf(report: ScanReport, location: ArtifactLocation): readonly SarifResult[] {
  const globals = refusedGlobals(report).map((global) => globalResult(global, location, report.byteLength))
  return [...globals, ...otherFindings(report).map((finding) => findingResult(finding, report, location))]
}

function globalResult(global: ScannedGlobal, location: ArtifactLocation, fileLength: number): SarifResult {
  const { module, name, verdict, pickle, at, fileOffset, opcode, danger, about } = global
  const ruleId = verdict === "dangerous" ? "global-dangerous" : "global-unknown"
  const what = about === undefined ? "" : ` It is known as ${about.what} (${about.source}).`
  const knowledge = danger === undefined ? what : ` It ${danger.reason} (${danger.source}).`
  const place = `named at byte ${at} of ${shown(pickle)}, ${sayUse(global)}`
  const text = `The ${verdict} global ${sayGlobal(global)} is ${place}.${knowledge}`
  const length = OPCODE_BYTES.get(opcode) ?? Buffer.byteLength(`c${module}\n${name}\n`)
  const bytes = { offset: fileOffset, length: Math.min(length, fileLength - (fileOffset ?? 0)) }
  const locations = [locationOf(location, bytes, pickle)]
  const identity = [ruleId, pickle, opcode, module, name]
  return { ruleId, level: "error", message: plainMessage(text), locations, identity }
}

function findingResult(finding: ScanFinding, report: ScanReport, location: ArtifactLocation): SarifResult {
  const { severity: level, code, within, nextStep } = finding
  // A rule of the safetensors header; what is wrong with the file as a whole comes with a next step.
  const isOfHeader = report.format === "safetensors" && nextStep === undefined
  const ruleId = isOfHeader ? headerRuleId(code) : code
  // A message in several lines is a list, whose indentation a plain text message must not have.
  const text = safeMessage(finding.message).replaceAll(/\n\s*/g, "\n")
  const locations = [locationOf(location, { offset: fileOffsetOf(finding, report), length: 0 }, within)]
  const identity = [ruleId, within ?? "", within === undefined ? text : ""]
  return { ruleId, level, message: plainMessage(text), locations, identity }
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
  artifactLocation: ArtifactLocation,
  { offset, length }: { readonly offset: number | undefined; readonly length: number },
  within: string | undefined,
): object {
  const bytes = offset === undefined ? {} : { byteOffset: offset, byteLength: length }
  return {
    physicalLocation: { artifactLocation, region: { startLine: 1, ...bytes } },
    ...(within === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: shown(within) }] }),
  }
}

/** A place in the form of `artifactLocation`. */
interface ArtifactLocation {
  readonly uri: string
  readonly uriBaseId?: string
  /** Of the file in the list of artifacts. */
  readonly index?: number
}

/**
 * A plain text message that means nothing but itself. In a message `[text](address)` is a link (3.11.6) and `{0}` a
 * placeholder (3.11.5); names from a file could make both. A backslash escapes brackets, and itself before one; braces
 * are doubled.
 */
export function plainMessage(text: string): { readonly text: string } {
  const unlinked = text.replace(/\\*[[\]]/g, (run) => `${run.slice(0, -1).repeat(2)}\\${run.slice(-1)}`)
  return { text: unlinked.replace(/[{}]/g, "$&$&") }
}

/**
 * The file as a URI. A relative path below the current folder stays relative, so that the log is the same on every
 * machine and code scanning finds the file in the repository; any other path is a `file:` URI. A URL is one already,
 * without its query: that may hold a signature, and a log is kept and shown.
 */
export function artifactLocation(file: string): ArtifactLocation {
  if (isUrl(file)) return { uri: shownInput(file) }
  const path = isAbsolute(file) ? file : relative("", resolve(file))
  if (isAbsolute(path) || path === ".." || path.startsWith(`..${sep}`))
    return { uri: pathToFileURL(resolve(file)).href }
  return relativeLocation(path.split(sep).join(posix.sep))
}

/** What has no path, such as standard input. */
export function relativeLocation(path: string): ArtifactLocation {
  // A name of the file system may be half of a character, which no URI can say.
  const text = Buffer.from(path, "utf8").toString("utf8")
  return { uri: text.split("/").map(encodeURIComponent).join("/"), uriBaseId: BASE_ID }
}
