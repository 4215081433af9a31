/** `tosafetensors verify <file.safetensors> [<checkpoint>]` */

import type { ByteSource, Progress, SafetensorsHeader } from "../node/index.ts"
import { checkSafetensors, openCheckpoint } from "../node/index.ts"
import { NODE_PLATFORM } from "../node/platform.ts"
import type { CommandLine } from "./arguments.ts"
import { isCheckpoint, tellMistake } from "./checkpoint-as-output.ts"
import { ComparingSink } from "./comparing-sink.ts"
import { sayWarning } from "./conversion-text.ts"
import { EXIT } from "./exit-codes.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import { jsonPieces, NO_JSON_LIMIT } from "./json-text.ts"
import { progressBarFor } from "./progress-bar.ts"
import type { Provenance } from "./provenance.ts"
import { namesOtherSource, openTraced, readProvenance } from "./provenance.ts"
import type { Selection } from "./selection.ts"
import { readSelection } from "./selection.ts"
import { compareAliases, compareHeaders } from "./tensor-comparison.ts"
import type { Terminal } from "./terminal.ts"
import { printText } from "./terminal.ts"
import { shownInput } from "./url-input.ts"
import { UsageError } from "./usage-error.ts"
import type { Comparison } from "./verification-text.ts"
import { sayComparison, sayValidity } from "./verification-text.ts"

interface Compared {
  readonly file: ByteSource
  readonly header: SafetensorsHeader
  readonly checkpoint: ByteSource
}

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
  if (checkpoint === undefined && (provenance.expected !== undefined || provenance.recorded)) {
    throw new UsageError("--sha256 and --provenance are about the checkpoint, and none was named")
  }
  const opened = await NODE_PLATFORM.openInput(openInput(file, terminal), {
    signal: terminal.signal,
    http: selection.options.http,
  })
  try {
    const { limits = {} } = selection.options
    const check = await checkSafetensors(opened.source, { limits, signal: terminal.signal })
    const { header } = check
    if (header === undefined && (await isCheckpoint(opened.source, terminal.signal))) {
      await tellMistake(line, terminal)
      return EXIT.refused
    }
    const comparison =
      header === undefined || checkpoint === undefined
        ? undefined
        : await compareWith(
            checkpoint,
            { file: opened.source, header, selection, provenance, line },
            terminal,
          )
    // Nothing may be said of a file that is another one by now.
    await opened.source.assertUnchanged?.()
    if (options.has("json")) {
      const object = { file: shownInput(file), ...check, comparison: comparison ?? null }
      await printText(terminal.stdout, jsonPieces(object, NO_JSON_LIMIT))
    } else if (!options.has("quiet")) {
      await printText(terminal.stdout, sayValidity(shownInput(file), check, terminal.stdout))
      if (comparison !== undefined && checkpoint !== undefined) {
        await printText(terminal.stdout, sayComparison(shownInput(checkpoint), comparison, terminal.stdout))
      }
    }
    const agrees =
      comparison === undefined || (comparison.differences.length === 0 && !comparison.misattributed)
    return check.valid && agrees ? EXIT.done : EXIT.refused
  } finally {
    await opened.close()
  }
}

interface ComparisonRequest extends Omit<Compared, "checkpoint"> {
  readonly selection: Selection
  readonly provenance: Provenance
  readonly line: CommandLine
}

async function compareWith(
  checkpoint: string,
  request: ComparisonRequest,
  terminal: Terminal,
): Promise<Comparison> {
  const { options } = request.line
  const { selection, provenance } = request
  const traced = await openTraced(openInput(checkpoint, terminal), provenance, {
    options: selection.options,
    signal: terminal.signal,
    hashed: false,
  })
  const bar = progressBarFor(terminal.stderr, !options.has("json") && !options.has("quiet"))
  try {
    const traceable = { ...selection, options: traced.options }
    const comparison = await compare({ ...request, checkpoint: traced.source }, traceable, bar?.update)
    return { ...comparison, misattributed: provenance.recorded && namesOtherSource(comparison.metadata) }
  } finally {
    bar?.clear()
    await traced.close()
  }
}

/** Plans the conversion, then runs it into the comparison. */
async function compare(
  { file, header, checkpoint }: Compared,
  { options, renaming }: Selection,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<Omit<Comparison, "misattributed">> {
  const opened = await openCheckpoint(checkpoint, options)
  const plan = opened.plan(options)
  const { report } = plan
  const { differences, comparable } = compareHeaders(header, report.tensors)
  const sink = new ComparingSink(file, comparable, plan.segments[0]?.length ?? 0)
  await opened.write(plan, sink, { signal: options.signal, onProgress })
  const { aliases, metadata } = compareAliases(header, report)
  const all = [...differences, ...sink.differences, ...aliases]
  const identical = all.length === 0 && sink.headerEqual && file.byteLength === report.byteLength
  const unmatched = report.warnings.filter(({ code }) => code === "glob-unmatched")
  const notes = [...(renaming?.notes ?? []), ...unmatched.map(sayWarning)]
  return {
    differences: all,
    metadata,
    identical,
    report,
    notes,
  }
}
