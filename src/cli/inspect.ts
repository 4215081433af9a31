/** `tosafetensors inspect <checkpoint>` */

import { scaledLimit, withLimits } from "../limits/limits.ts"
import { openCheckpoint } from "../node/index.ts"
import type { CommandLine } from "./arguments.ts"
import { EXIT } from "./exit-codes.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import { inspectCheckpoint } from "./inspection.ts"
import { inspectionObject } from "./inspection-json.ts"
import { sayInspection } from "./inspection-text.ts"
import { jsonPieces } from "./json-text.ts"
import { readProvenance } from "./provenance.ts"
import { readSelection } from "./selection.ts"
import type { Terminal } from "./terminal.ts"
import { printLines, printText } from "./terminal.ts"
import { shownInput } from "./url-input.ts"
import { UsageError } from "./usage-error.ts"

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
