/** `verify` with a checkpoint where the safetensors file belongs: the files are in the wrong order, or one is missing. */

import { existsSync } from "node:fs"
import type { ByteSource } from "../node/index.ts"
import { checkSafetensors, isCheckpointError, openCheckpoint } from "../node/index.ts"
import { NODE_PLATFORM } from "../node/platform.ts"
import type { Advice } from "./advice.ts"
import type { CommandLine } from "./arguments.ts"
import { defaultOutput } from "./default-output.ts"
import { DetailLines } from "./detail-lines.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import { jsonPieces, NO_JSON_LIMIT } from "./json-text.ts"
import { commandsOf, shellCommand } from "./shell-words.ts"
import { shown } from "./shown-text.ts"
import type { Terminal } from "./terminal.ts"
import { paint, printText } from "./terminal.ts"
import { shownInput } from "./url-input.ts"
import { isUrl } from "./url-name.ts"

/** What opening ends in where nothing says that the file is a checkpoint. */
const NO_CHECKPOINT: ReadonlySet<string> = new Set([
  "not-a-checkpoint",
  "holds-checkpoints",
  "read-failed",
  "input-changed",
  "zip-layout",
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
  const file = shownInput(files[0] ?? "")
  const { next, commands = [] } = await advise(line, terminal)
  if (options.has("json")) {
    const findings = [{ rule: "checkpoint", severity: "error", problem: PROBLEM }]
    const object = { file, valid: false, findings, comparison: null, nextStep: next, commands }
    await printText(terminal.stdout, jsonPieces(object, NO_JSON_LIMIT))
  } else if (!options.has("quiet")) {
    const { stdout } = terminal
    const detail = new DetailLines(stdout, "next".length)
    detail.add("next", next)
    detail.addWhole("run", commands)
    const headline = `${paint(stdout, "bold", shown(file))} is ${paint(stdout, "red", "not valid")}: ${PROBLEM}`
    await printText(stdout, [headline, ...detail.lines].join("\n"))
  }
}

async function advise({ files, command }: CommandLine, terminal: Terminal): Promise<Advice> {
  const [file = "", second] = files
  if (second !== undefined) {
    if (!(await isSafetensors(second, terminal))) {
      return { next: "Name the safetensors file first, then the checkpoint that it was made from." }
    }
    return { next: "The safetensors file is named first:", commands: verifying(second, file) }
  }
  const output = file === STANDARD_STREAM || isUrl(file) ? undefined : defaultOutput(file)
  if (output !== undefined && existsSync(output)) {
    return {
      next: `To ${command} what was made from it, name that first:`,
      commands: verifying(output, file),
    }
  }
  return {
    next: "There is nothing to verify before it is converted:",
    commands: isUrl(file) || file === STANDARD_STREAM ? [] : commandsOf(shellCommand`tosafetensors ${file}`),
  }
}

function verifying(file: string, checkpoint: string): readonly string[] {
  if ([file, checkpoint].some((name) => isUrl(name))) return []
  return commandsOf(shellCommand`tosafetensors verify ${file} ${checkpoint}`)
}

async function isSafetensors(file: string, terminal: Terminal): Promise<boolean> {
  if (file === STANDARD_STREAM || terminal.handed !== undefined) return false
  try {
    const { source, close } = await NODE_PLATFORM.openInput(openInput(file, terminal), {
      signal: terminal.signal,
    })
    try {
      return (await checkSafetensors(source, { signal: terminal.signal })).valid
    } finally {
      await close()
    }
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    return false
  }
}
