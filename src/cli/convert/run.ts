/** `tosafetensors <checkpoint> [-o <output>]` */

import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { NodeOutputRequest } from "../../node/for-command-line.ts"
import { inheritedSink, openNodeOutput, writeFailed } from "../../node/for-command-line.ts"
import type { AnyCheckpointError, ByteSink, ByteSource, ConversionReport } from "../../node/index.ts"
import { isCheckpointError, openCheckpoint, toSafetensors } from "../../node/index.ts"
import { convertEach } from "../advice/file-names.ts"
import { commandsOf, shellCommand } from "../advice/shell-words.ts"
import type { CommandLine } from "../command-line.ts"
import { EXIT, UsageError, type UsageHint } from "../endings.ts"
import type { Digests, Provenance } from "../input.ts"
import {
  ConversionDigests,
  defaultOutput,
  openInput,
  openTraced,
  readProvenance,
  receivedError,
  STANDARD_STREAM,
} from "../input.ts"
import type { HandedFiles, HandedRequest } from "../isolation/handed-files.ts"
import { readSelection, type Selection } from "../selection.ts"
import { jsonPieces, NO_JSON_LIMIT } from "../terminal/json-text.ts"
import { progressBarFor } from "../terminal/progress-bar.ts"
import { printLines, printText, type Terminal, writeBytes } from "../terminal/streams.ts"
import { isUrl } from "../urls.ts"
import { sayConversion, sayPlannedTensors } from "./text.ts"

/** A conversion, as the command line asks for it. */
export interface Request {
  readonly input: string
  /** A path, or `-`. */
  readonly output: string
  readonly selection: Selection
  readonly provenance: Provenance
  readonly dryRun: boolean
  readonly force: boolean
  readonly json: boolean
  readonly quiet: boolean
}

/** What a conversion did, or would do. */
interface Outcome {
  readonly report: ConversionReport
  readonly sha256: Digests
  /** Undefined for one that was only planned. */
  readonly elapsedMs: number | undefined
}

/** Converts, or with `--dry-run` shows what would be written. */
export async function runConvert(line: CommandLine, terminal: Terminal): Promise<number> {
  const request = readRequest(line, terminal)
  const outcome = request.dryRun ? await plan(request, terminal) : await convertOrExplain(request, terminal)
  await tell(outcome, request, terminal)
  return EXIT.done
}

/**
 * What the command line asks for.
 *
 * @throws UsageError
 */
export function readRequest(line: CommandLine, { signal, stdout }: Terminal): Request {
  const { files, options } = line
  const [input = "", ...others] = files
  if (others.length > 0) {
    const problem = `one checkpoint is converted at a time, and ${files.length} files were named`
    throw new UsageError(problem, { hint: hintOnFiles(files) })
  }
  const dryRun = options.has("dry-run")
  const output = options.text("output") ?? defaultOutput(input)
  if (output !== undefined && isUrl(output)) {
    throw new UsageError("-o takes a file, and nothing is sent to a URL")
  }
  // A dry run needs no name.
  if (output === undefined && !dryRun) {
    const what = input === STANDARD_STREAM ? "standard input" : "the URL"
    throw new UsageError(`${what} has no name to derive an output from: name one with -o`)
  }
  const request = {
    input,
    output: output ?? STANDARD_STREAM,
    selection: readSelection(line, signal),
    provenance: readProvenance(options),
    dryRun,
    force: options.has("force"),
    json: options.has("json"),
    quiet: options.has("quiet"),
  }
  if (request.output !== STANDARD_STREAM || dryRun) return request
  if (request.json) throw new UsageError("--json and -o - would both write to standard output")
  if (stdout.isTTY === true) {
    throw new UsageError("standard output is a terminal: redirect it, or name a file with -o")
  }
  return request
}

/** The second of two files is the output, most likely; of several each is to be converted. */
function hintOnFiles(files: readonly string[]): UsageHint | undefined {
  // A URL may hold a signature, and what stands beside it a token.
  if (files.some(isUrl)) return undefined
  const [input = "", output = ""] = files
  if (files.length === 2 && (output.endsWith(".safetensors") || !existsSync(output))) {
    const commands = commandsOf(shellCommand`tosafetensors ${input} -o ${output}`)
    return { next: "The output is named with -o:", commands }
  }
  return { next: "One after the other:", commands: convertEach(files) }
}

async function plan({ input, provenance, selection }: Request, terminal: Terminal): Promise<Outcome> {
  const traced = await openTraced(openInput(input, terminal), provenance, { ...selection, hashed: false })
  const { source, options, sha256 } = traced
  try {
    const { report } = (await openCheckpoint(source, options)).plan(options)
    if (sha256 !== undefined) await source.assertUnchanged?.()
    return { report, sha256: { input: sha256 ?? null, output: null }, elapsedMs: undefined }
  } finally {
    await traced.close()
  }
}

async function convert(request: Request, terminal: Terminal): Promise<Outcome> {
  const started = performance.now()
  const { output, force, json, quiet, provenance, selection } = request
  const input = openInput(request.input, terminal)
  let digests: ConversionDigests | undefined
  const beforeNaming = json ? async (written: ByteSource) => digests?.beforeNaming(written) : undefined
  // The output is looked at before the input is opened, which may mean to take in a stream.
  const sink = await openOutput(output, { overwrite: force, inputs: [input], beforeNaming }, terminal)
  const traced = await openTraced(input, provenance, { ...selection, hashed: json })
  const { source, options, sha256 } = traced
  const bar = progressBarFor(terminal.stderr, !json && !quiet)
  if (json) digests = new ConversionDigests(source, sha256, terminal.signal)
  try {
    const report = await toSafetensors(source, sink, { ...options, onProgress: bar?.update })
    const taken = (await digests?.result()) ?? { input: sha256 ?? null, output: null }
    return { report, sha256: taken, elapsedMs: performance.now() - started }
  } finally {
    bar?.clear()
    await digests?.stop()
    await traced.close()
  }
}

/** Looks at where the output goes, and creates nothing. */
async function openOutput(
  output: string,
  request: NodeOutputRequest,
  { stdout, handed }: Terminal,
): Promise<ByteSink> {
  if (output !== STANDARD_STREAM) {
    if (handed !== undefined) return handedSink(output, handed, request.beforeNaming)
    // A command has nothing else to do.
    return openNodeOutput(output, { ...request, mayBlock: true })
  }
  // The stream stays open. What was written before a failure cannot be taken back.
  return {
    randomAccess: false,
    // A stream that fills up calls back late and keeps the bytes until then, so the next write waits for it.
    write: (_position, bytes) => writeBytes(stdout, bytes),
    close: async () => {},
    abort: async () => {},
  }
}

/** Writes the file that it was handed. Whoever has opened it also gives it its name, or removes it. */
function handedSink(
  path: string,
  { output, ask }: HandedFiles,
  beforeNaming: NodeOutputRequest["beforeNaming"],
): ByteSink {
  if (output === undefined) {
    throw writeFailed(path, new Error("this process was not handed it"))
  }
  if (typeof output !== "number") throw receivedError(output)
  const require = async (request: HandedRequest): Promise<void> => {
    const answer = await ask(request)
    if (answer !== "done") throw receivedError(answer)
  }
  return inheritedSink(output, path, {
    requireSpace: (byteLength) => require({ ask: "space", byteLength }),
    name: () => require({ ask: "name" }),
    beforeNaming,
  })
}

async function convertOrExplain(request: Request, terminal: Terminal): Promise<Outcome> {
  try {
    return await convert(request, terminal)
  } catch (error) {
    // An isolated process may not look, and was handed its input.
    const mayLook = terminal.handed === undefined
    if (isOutputDefaultedToInput(request, error) || (mayLook && isInputMissing(request, error))) {
      await plan(request, terminal)
    }
    throw error
  }
}

/**
 * `model.safetensors` has itself as its default output. That it is the wrong kind of file, which opening it says, is
 * the better answer.
 */
export function isOutputDefaultedToInput(
  { input, output }: Request,
  error: unknown,
): error is AnyCheckpointError {
  return isCheckpointError(error) && error.code === "output-is-input" && output === defaultOutput(input)
}

/** The output is looked at first, and of an input in a folder that is not there it is not the output that is wrong. */
function isInputMissing({ input, output }: Request, error: unknown): boolean {
  const isAboutOutput = isCheckpointError(error) && error.code === "write-failed"
  return isAboutOutput && output === defaultOutput(input) && !isUrl(input) && !existsSync(input)
}

async function tell(
  { report, sha256, elapsedMs }: Outcome,
  request: Request,
  { stdout, stderr, handed }: Terminal,
): Promise<void> {
  const { json, quiet, dryRun } = request
  const notes = notesOn(request, handed?.outputExists)
  const output = request.output === STANDARD_STREAM ? undefined : request.output
  if (json) {
    const place = output === undefined ? {} : { output: resolve(output) }
    await printText(stdout, jsonPieces({ ...place, ...report, sha256 }, NO_JSON_LIMIT))
    if (!quiet) for (const note of notes) await printText(stderr, `note: ${note}`)
    return
  }
  if (quiet) return
  // Where the file itself goes to standard output, the summary must not.
  const stream = output === undefined && !dryRun ? stderr : stdout
  if (dryRun) await printLines(stream, [...sayPlannedTensors(report, stream), ""])
  const context = { output, elapsedMs, inputSha256: sha256.input, notes }
  await printText(stream, sayConversion(report, context, stream))
}

/** What is no fault and was hardly meant. */
function notesOn(request: Request, outputExists: boolean | undefined): readonly string[] {
  const { output, selection, dryRun, force } = request
  const notes = [...(selection.renaming?.notes ?? [])]
  if (dryRun && !force && output !== STANDARD_STREAM && (outputExists ?? existsSync(output))) {
    notes.push("the output exists already: without --force it would be kept and the conversion refused")
  }
  return notes
}
