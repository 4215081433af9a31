/** What is printed when a command fails, and with which code it exits. */

import type { AnyCheckpointError, ErrorCode } from "../node/index.ts"
import { isCheckpointError } from "../node/index.ts"
import { safeMessage } from "../text/quote-text.ts"
import type { Advice } from "./advice.ts"
import { nextStepOf } from "./advice-by-code.ts"
import { adviceOn } from "./advice-on-errors.ts"
import type { CommandLine } from "./arguments.ts"
import { DetailLines, HEAD, wrapped } from "./detail-lines.ts"
import { EXIT } from "./exit-codes.ts"
import { jsonPieces, NO_JSON_LIMIT } from "./json-text.ts"
import { shown } from "./shown-text.ts"
import type { OutputStream, Terminal } from "./terminal.ts"
import { paint, printText } from "./terminal.ts"
import { VERSION } from "./version.ts"

/** Codes that are not a refusal of the file. */
const EXIT_BY_CODE: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ["invalid-argument", EXIT.usage],
  ["read-failed", EXIT.io],
  ["write-failed", EXIT.io],
  ["input-changed", EXIT.io],
  ["output-incomplete", EXIT.defect],
])

/** What failed, as far as it is known. */
export interface FailedCommand {
  /** Undefined when the command line was not understood. */
  readonly line: CommandLine | undefined
  /** Whether programs are to get the error on standard output too. */
  readonly json: boolean
}

/** Prints what went wrong and returns the exit code. */
export async function reportFailure(
  terminal: Terminal,
  error: unknown,
  { line, json }: FailedCommand,
): Promise<number> {
  const { stderr, stdout, signal } = terminal
  const name = paint(stderr, "red", "tosafetensors:")
  try {
    // Whatever was under way fails in one way or another when it is interrupted.
    if (signal.aborted) {
      await printText(stderr, `${name} interrupted`)
      return EXIT.interrupted
    }
    if (!isCheckpointError(error)) {
      await printText(stderr, `${name} ${sayDefect(error)}`)
      return EXIT.defect
    }
    const advice = await adviceOn(error, line, terminal.handed === undefined)
    if (json) await printText(stdout, jsonPieces({ error: errorObject(error, advice) }, NO_JSON_LIMIT))
    const head = paint(stderr, styleOf(error), HEAD)
    await printText(stderr, `${head} ${sayError(terminal, error, advice)}`)
    return EXIT_BY_CODE.get(error.code) ?? EXIT.refused
  } catch {
    // Standard error or output is broken: nobody is left to tell.
    return EXIT.io
  }
}

/** Prints an error that ends one of several files and not the command. */
export async function tellError(terminal: Terminal, error: AnyCheckpointError, file: string): Promise<void> {
  const { stderr } = terminal
  const subject = "path" in error.detail ? "" : `${shown(file)}: `
  const text = sayError(terminal, error, { next: nextStepOf(error.code, error.nextStep) })
  await printText(stderr, `${paint(stderr, "red", "tosafetensors:")} ${subject}${text}`)
}

function errorObject(error: AnyCheckpointError, { notes = [], next, commands = [] }: Advice): object {
  return { ...error.toJSON(), nextStep: next, notes, commands }
}

/** Characters of the labels below a message. */
const LABEL_CHARACTERS = 4

/** The message, which has its own line breaks and nothing unsafe, then the code and the next step. */
function sayError(
  { stderr }: Terminal,
  error: AnyCheckpointError,
  { notes = [], next, commands = [] }: Advice,
): string {
  const message = error.code === "global-not-allowed" ? paintVerdicts(stderr, error.message) : error.message
  const [first = "", ...rest] = message.split("\n")
  const detail = new DetailLines(stderr, LABEL_CHARACTERS)
  detail.add("code", error.code)
  for (const note of notes) detail.add("note", note)
  detail.add("next", next)
  detail.addWhole("run", commands)
  return [wrapped(first, stderr, HEAD.length + 1), ...rest, ...detail.lines].join("\n")
}

/** Yellow for globals of which nothing bad is known; red for everything else. */
function styleOf(error: AnyCheckpointError): "red" | "yellow" {
  const isHarmless =
    error.code === "global-not-allowed" && error.detail.globals.every(({ verdict }) => verdict === "unknown")
  return isHarmless ? "yellow" : "red"
}

/** The rows begin with the verdict of each global, and nothing from the file begins a line. */
function paintVerdicts(stderr: OutputStream, message: string): string {
  return message
    .replaceAll(/^ {2}dangerous(?= )/gm, `  ${paint(stderr, "red", "dangerous")}`)
    .replaceAll(/^ {2}unknown(?= )/gm, `  ${paint(stderr, "yellow", "unknown")}`)
}

function sayDefect(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const lines = text.split("\n").map((line) => `  ${safeMessage(line)}`)
  return (
    "this is a defect of tosafetensors, not of your file. Please report it with what follows:\n" +
    `  tosafetensors ${VERSION}, ${process.platform} ${process.arch}, ${process.version}\n${lines.join("\n")}`
  )
}
