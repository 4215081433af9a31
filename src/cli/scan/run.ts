/** `tosafetensors scan <file or folder>...` */

import { basename } from "node:path"
import {
  isCheckpointError,
  type OpenOptions,
  type ScanFinding,
  type ScannedGlobal,
  type ScannedPickle,
  type ScanReport,
  scan,
} from "../../node/index.ts"
import type { CommandLine, OptionValues } from "../command-line.ts"
import { UsageError } from "../endings.ts"
import { tellError } from "../failure.ts"
import { readProvenance } from "../input.ts"
import { readSelection } from "../selection.ts"
import { jsonText } from "../terminal/json-text.ts"
import { type OutputStream, printText, type Terminal } from "../terminal/streams.ts"
import { quoted } from "../terminal/words.ts"
import { LeftOut, type ScanOutcome, type ScanOutput, ScanTally } from "./outcome.ts"
import { scanSarif } from "./sarif.ts"
import { type ScanTarget, scanTargets } from "./targets.ts"
import { scanText } from "./text.ts"

/** Scans file after file. One that cannot be read does not keep the others from being scanned. */
export async function runScan(line: CommandLine, terminal: Terminal): Promise<number> {
  const { files, options } = line
  const { signal, byteOrder, limits, http } = readSelection(line, terminal.signal).options
  const { expected: sha256 } = readProvenance(options)
  if (sha256 !== undefined && files.length > 1) throw new UsageError("--sha256 is about one file")
  const output = outputFor(options, terminal)
  const tally = new ScanTally()
  for (const target of scanTargets(files, terminal)) {
    terminal.signal.throwIfAborted()
    const outcome = await scanTarget(target, { signal, byteOrder, limits, http, sha256 })
    if (outcome.is === "unread") await tellError(terminal, outcome.error, outcome.file)
    tally.add(outcome)
    await output.tell(outcome)
  }
  if (tally.files + tally.otherFiles === 0) throw new UsageError(sayNothingFound(files, tally))
  await output.end(tally)
  return tally.exitCode
}

function outputFor(options: OptionValues, { stdout }: Terminal): ScanOutput {
  if (options.has("json") && options.has("sarif"))
    throw new UsageError("--json and --sarif exclude each other")
  if (options.has("json")) return scanJson(stdout)
  if (options.has("sarif")) return scanSarif(stdout)
  return scanText(stdout, options.has("quiet"))
}

async function scanTarget(target: ScanTarget, options: OpenOptions): Promise<ScanOutcome> {
  const { file, isStandardInput, isFound, input } = target
  if (input instanceof LeftOut) return { is: "skipped", file, reason: input.reason }
  if (isCheckpointError(input)) return { is: "unread", file, isStandardInput, error: input }
  try {
    const report = await scan(input, { ...options, name: isStandardInput ? "" : basename(file) })
    if (isFound && isLeftOut(report)) return { is: "skipped", file, reason: "not-a-model" }
    return { is: "scanned", file, isStandardInput, report }
  } catch (error) {
    // An aborted read may fail in any way.
    options.signal?.throwIfAborted()
    if (!isCheckpointError(error) || (error.code !== "read-failed" && error.code !== "input-changed"))
      throw error
    return { is: "unread", file, isStandardInput, error }
  }
}

/** Whether a file is none that a scan is about, and has no name that a checkpoint might have. */
function isLeftOut({ verdict, findings }: ScanReport): boolean {
  return verdict === "not-a-model" && findings.every(({ severity }) => severity === "note")
}

/** A folder that is empty, or has nothing but folders and links in it, was hardly meant. */
function sayNothingFound(files: readonly string[], { links }: ScanTally): string {
  const where = files.length === 1 ? `below ${quoted(files[0] ?? "")}` : "below these folders"
  const led = links.length === 0 ? "" : "; links to folders are not followed there: name what they lead to"
  return `there are no files ${where}${led}`
}

/** In the order of the output. */
const PICKLE = ["name", "offset", "byteLength", "protocol", "opcodeCount", "complete"] as const
const GLOBAL = [
  ...(["module", "name", "verdict", "pickle", "at", "fileOffset"] as const),
  ...(["opcode", "use", "usedBy", "count", "danger", "about"] as const),
] as const
const FINDING = ["severity", "code", "message", "within", "at", "nextStep"] as const

/** Collects one object, of the same shape for one file and for many. */
function scanJson(stream: OutputStream): ScanOutput {
  const files: string[] = []
  const skipped: string[] = []
  return {
    // As text at once: the bound on what is written as JSON is meant for one checkpoint.
    tell: async (outcome) => {
      if (outcome.is === "skipped") skipped.push(jsonText({ file: outcome.file, reason: outcome.reason }))
      else files.push(jsonText(fileObject(outcome)))
    },
    end: async ({ verdict }) => {
      const head = jsonText({ verdict }).slice(0, -1)
      await printText(stream, `${head},"files":[${files.join(",")}],"skipped":[${skipped.join(",")}]}`)
    },
  }
}

function fileObject(outcome: Exclude<ScanOutcome, { is: "skipped" }>): object {
  const { file } = outcome
  if (outcome.is === "unread") return { file, error: outcome.error.toJSON() }
  const { verdict, format, byteLength, pickles, globals, findings } = outcome.report
  return {
    ...{ file, verdict, format, byteLength },
    pickles: pickles.map((pickle) => pick<ScannedPickle>(pickle, PICKLE)),
    globals: globals.map((global) => pick<ScannedGlobal>(global, GLOBAL)),
    findings: findings.map((finding) => pick<ScanFinding>(finding, FINDING)),
  }
}

function pick<Row>(row: Row, keys: readonly (keyof Row)[]): object {
  return Object.fromEntries(keys.map((key) => [key, row[key] ?? null]))
}
