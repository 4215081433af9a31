/** `tosafetensors scan <file or folder>...` */

import { basename } from "node:path"
import type { OpenOptions, ScanReport } from "../../node/index.ts"
import { isCheckpointError, scan } from "../../node/index.ts"
import type { CommandLine, OptionValues } from "../command-line.ts"
import { UsageError } from "../endings.ts"
import { tellError } from "../failure.ts"
import { readProvenance } from "../input.ts"
import { readSelection } from "../selection.ts"
import type { Terminal } from "../terminal/streams.ts"
import { quoted } from "../terminal/words.ts"
import { scanJson } from "./json.ts"
import type { ScanOutcome, ScanOutput } from "./outcome.ts"
import { LeftOut, ScanTally } from "./outcome.ts"
import { scanSarif } from "./sarif.ts"
import type { ScanTarget } from "./targets.ts"
import { scanTargets } from "./targets.ts"
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
