/** `tosafetensors inspect <checkpoint>` */

import { scaledLimit, withLimits } from "../../node/for-command-line.ts"
import { type Checkpoint, openCheckpoint } from "../../node/index.ts"
import type { CommandLine } from "../command-line.ts"
import { EXIT, UsageError } from "../endings.ts"
import { openInput, readProvenance, STANDARD_STREAM } from "../input.ts"
import { readSelection } from "../selection.ts"
import { jsonPieces } from "../terminal/json-text.ts"
import { printLines, printText, type Terminal } from "../terminal/streams.ts"
import { shownInput } from "../urls.ts"
import { type Inspection, inspectCheckpoint } from "./inspection.ts"
import { sayInspection } from "./text.ts"

/** Shows what a checkpoint holds. That it could not be converted is told and is no failure. */
export async function runInspect(line: CommandLine, terminal: Terminal): Promise<number> {
  const { files, options } = line
  const [input = "", ...others] = files
  if (others.length > 0)
    throw new UsageError(`one file is inspected at a time, and ${files.length} were named`)
  const selection = readSelection(line, terminal.signal).options
  const { expected: sha256 } = readProvenance(options)
  const checkpoint = await openCheckpoint(openInput(input, terminal), { ...selection, sha256 })
  try {
    const inspection = inspectCheckpoint(checkpoint, selection)
    const file = input === STANDARD_STREAM ? "standard input" : shownInput(input)
    if (options.has("json")) {
      const limits = withLimits(selection.limits)
      const limit = scaledLimit(limits, "outputFloorBytes", "outputRatio", checkpoint.byteLength)
      const object = inspectionObject({ file, sha256 }, checkpoint, inspection)
      await printText(terminal.stdout, jsonPieces(object, limit))
    } else {
      await printLines(terminal.stdout, sayInspection(file, checkpoint, inspection, terminal.stdout))
    }
  } finally {
    await checkpoint.close()
  }
  return EXIT.done
}

/** Everything that is known of the checkpoint: what `--json` prints. */
function inspectionObject(
  { file, sha256 }: { readonly file: string; readonly sha256: string | undefined },
  checkpoint: Checkpoint,
  inspection: Inspection,
): object {
  const { tensors, report, problem } = inspection
  return {
    file,
    layout: checkpoint.format,
    byteLength: checkpoint.byteLength,
    sha256: sha256 ?? null,
    globals: checkpoint.globals,
    tensorCount: tensors.length,
    /** Where a conversion would find the state dict; null when that is not decided. */
    root: report?.root ?? null,
    /** Why it was taken. */
    rootReason: report?.rootReason ?? null,
    /** What lies outside it; null when no root is decided. */
    leftOut: report?.leftOut ?? null,
    rootCandidates: problem?.code === "root-ambiguous" ? problem.detail.candidates : [],
    tensors: tensors.map(({ name, info, leftOut, aliasOf }) => ({
      name,
      ...info,
      leftOut: leftOut ?? null,
      aliasOf: aliasOf ?? null,
    })),
    sharedMemory: inspection.sharedMemory,
    metadata: report?.metadata ?? null,
    /** Bytes of the checkpoint that belong to no tensor that would be written; null when no root is decided. */
    unreferenced: report?.unreferenced ?? null,
    checksums: report?.checksums ?? null,
    warnings: report?.warnings ?? [],
    problem: problem?.toJSON() ?? null,
    namingProblem: inspection.namingProblem?.toJSON() ?? null,
    values: checkpoint.values,
  }
}
