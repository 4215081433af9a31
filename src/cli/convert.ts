/** `tosafetensors <checkpoint> [-o <output>]` */

import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { AnyCheckpointError, ByteSource, CheckpointInput, ConversionReport } from "../node/index.ts"
import { isCheckpointError, openCheckpoint, toSafetensors } from "../node/index.ts"
import type { CommandLine, OptionValues } from "./arguments.ts"
import { convertEach } from "./checkpoint-names.ts"
import type { Digests } from "./conversion-digests.ts"
import { ConversionDigests } from "./conversion-digests.ts"
import type { ConversionContext } from "./conversion-text.ts"
import { sayConversion, sayPlannedTensors } from "./conversion-text.ts"
import { defaultOutput } from "./default-output.ts"
import { EXIT } from "./exit-codes.ts"
import type { HandedFiles } from "./handed-files.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import { jsonPieces, NO_JSON_LIMIT } from "./json-text.ts"
import { openOutput } from "./output.ts"
import { progressBarFor } from "./progress-bar.ts"
import type { Provenance, TracedInput } from "./provenance.ts"
import { openTraced, readProvenance } from "./provenance.ts"
import type { Selection } from "./selection.ts"
import { readSelection } from "./selection.ts"
import { commandsOf, shellCommand } from "./shell-words.ts"
import type { OutputStream, Terminal } from "./terminal.ts"
import { printLines, printText } from "./terminal.ts"
import { isUrl } from "./url-name.ts"
import type { UsageHint } from "./usage-error.ts"
import { UsageError } from "./usage-error.ts"

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

/** Converts, or with `--dry-run` shows what would be written. */
export async function runConvert(line: CommandLine, terminal: Terminal): Promise<number> {
  const request = readRequest(line, terminal)
  const started = performance.now()
  const outcome = request.dryRun ? await plan(request, terminal) : await convertOrExplain(request, terminal)
  const elapsedMs = request.dryRun ? undefined : performance.now() - started
  await tell(outcome, { request, elapsedMs }, terminal)
  return EXIT.done
}

/** What the command line asks for.
 *
 * @throws UsageError
 */
export function readRequest(line: CommandLine, terminal: Terminal): Request {
  const { files, options } = line
  const [input = "", ...others] = files
  if (others.length > 0) {
    const problem = `one checkpoint is converted at a time, and ${files.length} files were named`
    throw new UsageError(problem, { hint: hintOnFiles(files) })
  }
  const output = readOutput(input, options)
  const request = {
    input,
    output,
    selection: readSelection(line, terminal.signal),
    provenance: readProvenance(options),
    dryRun: options.has("dry-run"),
    force: options.has("force"),
    json: options.has("json"),
    quiet: options.has("quiet"),
  }
  if (output !== STANDARD_STREAM || request.dryRun) return request
  if (request.json) throw new UsageError("--json and -o - would both write to standard output")
  if (terminal.stdout.isTTY === true) {
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

/** A dry run needs no name. */
function readOutput(input: string, options: OptionValues): string {
  const output = options.text("output") ?? defaultOutput(input)
  if (output !== undefined && isUrl(output)) {
    throw new UsageError("-o takes a file, and nothing is sent to a URL")
  }
  if (output !== undefined || options.has("dry-run")) return output ?? STANDARD_STREAM
  const what = input === STANDARD_STREAM ? "standard input" : "the URL"
  throw new UsageError(`${what} has no name to derive an output from: name one with -o`)
}

/** What a conversion did, or would do. */
interface Outcome {
  readonly report: ConversionReport
  readonly sha256: Digests
}

async function plan(request: Request, terminal: Terminal): Promise<Outcome> {
  const traced = await openSource(openInput(request.input, terminal), request, terminal)
  const { source, options, sha256 } = traced
  try {
    const { report } = (await openCheckpoint(source, options)).plan(options)
    if (sha256 !== undefined) await source.assertUnchanged?.()
    return { report, sha256: { input: sha256 ?? null, output: null } }
  } finally {
    await traced.close()
  }
}

async function convert(request: Request, terminal: Terminal): Promise<Outcome> {
  const { output, force, json, quiet } = request
  const input = openInput(request.input, terminal)
  let digests: ConversionDigests | undefined
  // The output is looked at before the input is opened, which may mean to take in a stream.
  const beforeNaming = json ? async (written: ByteSource) => digests?.beforeNaming(written) : undefined
  const sink = await openOutput(output, { overwrite: force, inputs: [input], beforeNaming }, terminal)
  const traced = await openSource(input, request, terminal)
  const { source, options, sha256 } = traced
  const bar = progressBarFor(terminal.stderr, !json && !quiet)
  if (json) digests = new ConversionDigests(source, sha256, terminal.signal)
  try {
    const report = await toSafetensors(source, sink, { ...options, onProgress: bar?.update })
    return { report, sha256: (await digests?.result()) ?? { input: sha256 ?? null, output: null } }
  } finally {
    bar?.clear()
    await digests?.stop()
    await traced.close()
  }
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

function openSource(
  input: CheckpointInput,
  { provenance, selection: { options }, json, dryRun }: Request,
  { signal }: Terminal,
): Promise<TracedInput> {
  return openTraced(input, provenance, { options, signal, hashed: json && !dryRun })
}

/**
 * `model.safetensors` has itself as its default output. That it is the wrong kind of file, which opening it says, is
 * the better answer.
 */
export function isOutputDefaultedToInput(
  { input, output }: Pick<Request, "input" | "output">,
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
  { report, sha256 }: Outcome,
  { request, elapsedMs }: { readonly request: Request; readonly elapsedMs: number | undefined },
  { stdout, stderr, handed }: Terminal,
): Promise<void> {
  const { output, json, quiet, dryRun } = request
  const notes = notesOn(request, handed)
  const toStandardOutput = output === STANDARD_STREAM
  if (json) {
    const place = toStandardOutput ? {} : { output: resolve(output) }
    await printText(stdout, jsonPieces({ ...place, ...report, sha256 }, NO_JSON_LIMIT))
    if (!quiet) for (const note of notes) await printText(stderr, `note: ${note}`)
    return
  }
  if (quiet) return
  // Where the file itself goes to standard output, the summary must not.
  const stream: OutputStream = toStandardOutput && !dryRun ? stderr : stdout
  const context: ConversionContext = {
    output: toStandardOutput ? undefined : output,
    elapsedMs,
    inputSha256: sha256.input,
    notes,
  }
  if (dryRun) await printLines(stream, [...sayPlannedTensors(report, stream), ""])
  await printText(stream, sayConversion(report, context, stream))
}

/** What is no fault and was hardly meant. */
function notesOn(
  { output, selection, dryRun, force }: Request,
  handed: HandedFiles | undefined,
): readonly string[] {
  const notes = [...(selection.renaming?.notes ?? [])]
  const exists = (): boolean => handed?.outputExists ?? existsSync(output)
  if (dryRun && !force && output !== STANDARD_STREAM && exists()) {
    notes.push("the output exists already: without --force it would be kept and the conversion refused")
  }
  return notes
}
