/** `verify` with a checkpoint where the safetensors file belongs: the files are in the wrong order, or one is missing. */

import { existsSync } from "node:fs"
import type { ByteSource } from "../../node/index.ts"
import { checkSafetensors, isCheckpointError, openCheckpoint } from "../../node/index.ts"
import type { Advice } from "../advice/shell-words.ts"
import { advise, shellCommand } from "../advice/shell-words.ts"
import type { CommandLine } from "../command-line.ts"
import { defaultOutput, openInput, STANDARD_STREAM } from "../input.ts"
import { jsonPieces, NO_JSON_LIMIT } from "../terminal/json-text.ts"
import { DetailLines } from "../terminal/lines.ts"
import type { Terminal } from "../terminal/streams.ts"
import { paint, printText } from "../terminal/streams.ts"
import { shown } from "../terminal/words.ts"
import { isUrl, shownInput } from "../urls.ts"

/** What opening ends in where nothing says that the file is a checkpoint. */
const NO_CHECKPOINT: ReadonlySet<string> = new Set([
  ...["not-a-checkpoint", "holds-checkpoints", "read-failed", "input-changed", "zip-layout"],
])

const PROBLEM = "it is a PyTorch checkpoint, and no safetensors file"

/** Whether the file is a checkpoint, also one that could not be converted. */
export async function isCheckpoint(source: ByteSource, signal: AbortSignal): Promise<boolean> {
  try {
    await openCheckpoint(source, { signal })
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (!isCheckpointError(error)) throw error
    return !NO_CHECKPOINT.has(error.code)
  }
}

/** Prints what the first file is, and the right order. */
export async function tellMistake(line: CommandLine, terminal: Terminal): Promise<void> {
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
