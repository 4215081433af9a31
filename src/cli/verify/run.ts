/** `tosafetensors verify <file.safetensors> [<checkpoint>]` */

import { existsSync } from "node:fs"
import { openNodeInput, SOURCE_BYTES, SOURCE_SHA256 } from "../../node/for-command-line.ts"
import {
  type ByteSource,
  type ConversionReport,
  type ConvertOptions,
  checkSafetensors,
  isCheckpointError,
  openCheckpoint,
  type SafetensorsHeader,
} from "../../node/index.ts"
import { type Advice, advise, shellCommand } from "../advice/shell-words.ts"
import type { CommandLine } from "../command-line.ts"
import { EXIT, UsageError } from "../endings.ts"
import {
  defaultOutput,
  openInput,
  openTraced,
  type Provenance,
  readProvenance,
  STANDARD_STREAM,
} from "../input.ts"
import { sayWarning } from "../report-facts.ts"
import { readSelection, type Selection } from "../selection.ts"
import { jsonPieces, NO_JSON_LIMIT } from "../terminal/json-text.ts"
import { progressBarFor } from "../terminal/progress-bar.ts"
import { paint, printText, type Terminal } from "../terminal/streams.ts"
import { DetailLines, shown } from "../terminal/words.ts"
import { isUrl, shownInput } from "../urls.ts"
import { ComparingSink, compareAliases, compareHeaders } from "./comparison.ts"
import { type Comparison, sayComparison, sayValidity } from "./text.ts"

/** Checks a safetensors file, on its own or against the checkpoint that it was made from. */
export async function runVerify(line: CommandLine, terminal: Terminal): Promise<number> {
  const { files, options } = line
  const [file = "", checkpoint, ...others] = files
  if (others.length > 0) {
    throw new UsageError(
      `a safetensors file and its checkpoint are compared, and ${files.length} files were named`,
    )
  }
  if (file === STANDARD_STREAM && checkpoint === STANDARD_STREAM) {
    throw new UsageError("only one of the two files can be standard input")
  }
  const selection = readSelection(line, terminal.signal)
  const provenance = readProvenance(options)
  const { expected, recorded } = provenance
  if (checkpoint === undefined && (expected !== undefined || recorded)) {
    throw new UsageError("--sha256 and --provenance are about the checkpoint, and none was named")
  }
  const { stdout, signal } = terminal
  const { limits = {}, http } = selection.options
  const { source, close } = await openNodeInput(openInput(file, terminal), { signal, http })
  try {
    const check = await checkSafetensors(source, { limits, signal })
    const { header } = check
    if (header === undefined && (await isCheckpoint(source, signal))) {
      await tellMistake(line, terminal)
      return EXIT.refused
    }
    const comparison =
      header === undefined || checkpoint === undefined
        ? undefined
        : await compareWith(checkpoint, { source, header }, { line, selection, provenance }, terminal)
    // Nothing may be said of a file that is another one by now.
    await source.assertUnchanged?.()
    const shown = shownInput(file)
    if (options.has("json")) {
      const object = { file: shown, ...check, comparison: comparison ?? null }
      await printText(stdout, jsonPieces(object, NO_JSON_LIMIT))
    } else if (!options.has("quiet")) {
      await printText(stdout, sayValidity(shown, check, stdout))
      if (comparison !== undefined)
        await printText(stdout, sayComparison(shownInput(checkpoint ?? ""), comparison, stdout))
    }
    const agrees =
      comparison === undefined || !(comparison.differences.length > 0 || comparison.misattributed)
    return check.valid && agrees ? EXIT.done : EXIT.refused
  } finally {
    await close()
  }
}

/** The safetensors file. */
interface OpenFile {
  readonly source: ByteSource
  readonly header: SafetensorsHeader
}

/** What is asked about the checkpoint. */
interface Request {
  readonly line: CommandLine
  readonly selection: Selection
  readonly provenance: Provenance
}

async function compareWith(
  checkpoint: string,
  file: OpenFile,
  { line: { options: values }, selection, provenance }: Request,
  terminal: Terminal,
): Promise<Comparison> {
  const request = { ...selection, hashed: false }
  const { source, options, close } = await openTraced(openInput(checkpoint, terminal), provenance, request)
  const bar = progressBarFor(terminal.stderr, !values.has("json") && !values.has("quiet"))
  try {
    const written = await compareBytes(file, source, { ...options, onProgress: bar?.update })
    const { report } = written
    const { aliases, metadata } = compareAliases(file.header, report)
    const differences = [...written.differences, ...aliases]
    const identical =
      differences.length === 0 && written.headerEqual && file.source.byteLength === report.byteLength
    const unmatched = report.warnings.filter(({ code }) => code === "glob-unmatched")
    const notes = [...(selection.renaming?.notes ?? []), ...unmatched.map(sayWarning)]
    // Whether what the file says of its source is not so, or is missing; the version that made it may be another.
    const isOther = metadata.some(({ key }) => key === SOURCE_SHA256 || key === SOURCE_BYTES)
    const misattributed = provenance.recorded && isOther
    return { differences, metadata, identical, report, notes, misattributed }
  } finally {
    bar?.clear()
    await close()
  }
}

/** Plans the conversion, then runs it into the comparison: the plan says where each tensor's bytes come. */
async function compareBytes(
  { source: file, header }: OpenFile,
  checkpoint: ByteSource,
  options: ConvertOptions,
): Promise<Pick<Comparison, "differences"> & { report: ConversionReport; headerEqual: boolean }> {
  const opened = await openCheckpoint(checkpoint, options)
  const plan = opened.plan(options)
  const { differences, comparable } = compareHeaders(header, plan.report.tensors)
  const sink = new ComparingSink(file, comparable, plan.segments[0]?.length ?? 0)
  await opened.write(plan, sink, options)
  const { headerEqual } = sink
  return { report: plan.report, differences: [...differences, ...sink.differences], headerEqual }
}

/** What opening ends in where nothing says that the file is a checkpoint. */
const NO_CHECKPOINT: ReadonlySet<string> = new Set([
  ...["not-a-checkpoint", "holds-checkpoints", "read-failed", "input-changed", "zip-layout"],
])

const PROBLEM = "it is a PyTorch checkpoint, and no safetensors file"

/** Whether the file is a checkpoint, also one that could not be converted. */
async function isCheckpoint(source: ByteSource, signal: AbortSignal): Promise<boolean> {
  try {
    await openCheckpoint(source, { signal })
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (!isCheckpointError(error)) throw error
    return !NO_CHECKPOINT.has(error.code)
  }
}

/** Prints that the first file is a checkpoint, and the right order: the files were swapped, or one is missing. */
async function tellMistake(line: CommandLine, terminal: Terminal): Promise<void> {
  const { files, options } = line
  const { stdout } = terminal
  const file = shownInput(files[0] ?? "")
  const { next, commands = [] } = await adviseOnOrder(line, terminal)
  if (options.has("json")) {
    const findings = [{ rule: "checkpoint", severity: "error", problem: PROBLEM }]
    const object = { file, valid: false, findings, comparison: null, nextStep: next, commands }
    await printText(stdout, jsonPieces(object, NO_JSON_LIMIT))
  } else if (!options.has("quiet")) {
    const detail = new DetailLines(stdout, "next".length)
    detail.add("next", next)
    detail.addWhole("run", commands)
    const headline = `${paint(stdout, "bold", shown(file))} is ${paint(stdout, "red", "not valid")}: ${PROBLEM}`
    await printText(stdout, [headline, ...detail.lines].join("\n"))
  }
}

async function adviseOnOrder({ files }: CommandLine, terminal: Terminal): Promise<Advice> {
  const [file = "", second] = files
  const isNamed = file !== STANDARD_STREAM && !isUrl(file)
  if (second !== undefined) {
    if (!(await isSafetensors(second, terminal))) {
      return { next: "Name the safetensors file first, then the checkpoint that it was made from." }
    }
    const next = "The safetensors file is named first:"
    return files.some(isUrl) ? { next } : advise(next, shellCommand`tosafetensors verify ${second} ${file}`)
  }
  const output = isNamed ? defaultOutput(file) : undefined
  if (output !== undefined && existsSync(output)) {
    const next = "To verify what was made from it, name that first:"
    return advise(next, shellCommand`tosafetensors verify ${output} ${file}`)
  }
  const next = "There is nothing to verify before it is converted:"
  return isNamed ? advise(next, shellCommand`tosafetensors ${file}`) : { next }
}

async function isSafetensors(file: string, terminal: Terminal): Promise<boolean> {
  if (file === STANDARD_STREAM || terminal.handed !== undefined) return false
  try {
    return (await checkSafetensors(openInput(file, terminal), { signal: terminal.signal })).valid
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    return false
  }
}
