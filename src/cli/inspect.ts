/** `tosafetensors inspect <checkpoint>` */

import { openCheckpoint } from "../node/index.ts"
import type { CommandLine } from "./arguments.ts"
import { EXIT } from "./exit-codes.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import { inspectCheckpoint } from "./inspection.ts"
import { inspectionObject } from "./inspection-json.ts"
import { sayInspection } from "./inspection-text.ts"
import { jsonText } from "./json-text.ts"
import { readProvenance } from "./provenance.ts"
import { readSelection } from "./selection.ts"
import type { Terminal } from "./terminal.ts"
import { printText } from "./terminal.ts"
import { UsageError } from "./usage-error.ts"

/** Shows what a checkpoint holds. That it could not be converted is told and is no failure. */
export async function runInspect({ files, options }: CommandLine, terminal: Terminal): Promise<number> {
  const [input = "", ...others] = files
  if (others.length > 0)
    throw new UsageError(`one file is inspected at a time, and ${files.length} were named`)
  const selection = readSelection(options, terminal.signal).options
  const { expected: sha256 } = readProvenance(options)
  const checkpoint = await openCheckpoint(openInput(input, terminal), { ...selection, sha256 })
  try {
    const inspection = inspectCheckpoint(checkpoint, selection)
    const file = input === STANDARD_STREAM ? "standard input" : input
    const text = options.has("json")
      ? jsonText(inspectionObject({ file, sha256 }, checkpoint, inspection))
      : sayInspection(file, checkpoint, inspection, terminal.stdout)
    await printText(terminal.stdout, text)
  } finally {
    await checkpoint.close()
  }
  return EXIT.done
}
