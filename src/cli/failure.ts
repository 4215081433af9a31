/**
 * What is printed when a command fails, and with which code it exits. The library words its errors in its own options;
 * what to do next is said here in those of the command line, with commands that can be copied.
 */

import { version } from "../../package.json"
import {
  type AnyCheckpointError,
  type CheckpointError,
  type ErrorCode,
  isCheckpointError,
  type UnmatchedGlob,
} from "../node/index.ts"
import { nearestNames, safeMessage, writeFailed } from "../node/texts-for-command-line.ts"
import { adviseOnContainer, adviseOnOtherFile } from "./advice/files.ts"
import { adviseOnReading } from "./advice/reading.ts"
import { type Advice, type Subject, shellWord } from "./advice/shell-words.ts"
import type { CommandLine } from "./command-line.ts"
import { EXIT, StreamFailure } from "./endings.ts"
import { STANDARD_STREAM } from "./input.ts"
import { sayUnmatched } from "./report-facts.ts"
import { jsonPieces, NO_JSON_LIMIT } from "./terminal/json-text.ts"
import { type OutputStream, paint, printText, type Terminal } from "./terminal/streams.ts"
import { DetailLines, HEAD, shown, wrapped } from "./terminal/words.ts"
import { isUrl } from "./urls.ts"

/** Codes that are not a refusal of the file. */
const EXIT_BY_CODE: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ["invalid-argument", EXIT.usage],
  ["read-failed", EXIT.io],
  ["write-failed", EXIT.io],
  ["input-changed", EXIT.io],
  ["output-incomplete", EXIT.defect],
])

/**
 * Prints what went wrong and returns the exit code. `line` is undefined when the command line was not understood; with
 * `json` programs get the error on standard output too.
 */
export async function reportFailure(
  { stderr, stdout, signal, handed }: Terminal,
  thrown: unknown,
  { line, json }: { readonly line: CommandLine | undefined; readonly json: boolean },
): Promise<number> {
  const name = paint(stderr, "red", HEAD)
  const error = thrown instanceof StreamFailure ? writeFailed(undefined, thrown.cause) : thrown
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
    const advice = await adviceOn(error, line, handed === undefined)
    const { notes = [], next, commands = [] } = advice
    const object = { error: { ...error.toJSON(), nextStep: next, notes, commands } }
    if (json) await printText(stdout, jsonPieces(object, NO_JSON_LIMIT))
    const head = paint(stderr, styleOf(error), HEAD)
    await printText(stderr, `${head} ${sayError(stderr, error, advice)}`)
    return EXIT_BY_CODE.get(error.code) ?? EXIT.refused
  } catch {
    // Standard error or output is broken: nobody is left to tell.
    return EXIT.io
  }
}

/** Prints an error that ends one of several files and not the command. */
export async function tellError(
  { stderr }: Terminal,
  error: AnyCheckpointError,
  file: string,
): Promise<void> {
  const subject = "path" in error.detail ? "" : `${shown(file)}: `
  const text = sayError(stderr, error, { next: nextStepOf(error.code, error.nextStep) })
  await printText(stderr, `${paint(stderr, "red", HEAD)} ${subject}${text}`)
}

/** The message, which has its own line breaks and nothing unsafe, then the code and the next step. */
function sayError(
  stderr: OutputStream,
  error: AnyCheckpointError,
  { notes = [], next, commands = [] }: Advice,
): string {
  const message = error.code === "global-not-allowed" ? paintVerdicts(stderr, error.message) : error.message
  const [first = "", ...rest] = message.split("\n")
  const detail = new DetailLines(stderr, "code".length)
  detail.add("code", error.code)
  for (const note of notes) detail.add("note", note)
  detail.add("next", next)
  detail.addWhole("run", commands)
  return [wrapped(first, stderr, HEAD.length + 1), ...rest, ...detail.lines].join("\n")
}

/** Yellow for globals of which nothing bad is known; red for everything else. */
function styleOf(error: AnyCheckpointError): "red" | "yellow" {
  if (error.code !== "global-not-allowed") return "red"
  return error.detail.globals.every(({ verdict }) => verdict === "unknown") ? "yellow" : "red"
}

/** The rows begin with the verdict of each global, and nothing from the file begins a line. */
function paintVerdicts(stderr: OutputStream, message: string): string {
  return message.replaceAll(
    /^ {2}(dangerous|unknown)(?= )/gm,
    (_, verdict: string) => `  ${paint(stderr, verdict === "unknown" ? "yellow" : "red", verdict)}`,
  )
}

function sayDefect(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const lines = text.split("\n").map((line) => `  ${safeMessage(line)}`)
  return [
    "this is a defect of tosafetensors, not of your file. Please report it with what follows:",
    `  tosafetensors ${version}, ${process.platform} ${process.arch}, ${process.version}`,
    ...lines,
  ].join("\n")
}

/** What to do about `error`; `mayLook` says whether this process may look at the disk. */
async function adviceOn(
  error: AnyCheckpointError,
  line: CommandLine | undefined,
  mayLook: boolean,
): Promise<Advice> {
  const subject = line === undefined ? undefined : subjectOf(error, line, mayLook)
  const advice = subject === undefined ? undefined : await adviseOn(error, subject)
  return advice ?? { next: nextStepOf(error.code, error.nextStep) }
}

async function adviseOn(error: AnyCheckpointError, subject: Subject): Promise<Advice | undefined> {
  switch (error.code) {
    case "read-failed":
      return adviseOnReading(error, subject)
    case "not-a-checkpoint":
      return adviseOnOtherFile(error, subject)
    case "holds-checkpoints":
    case "zip-layout":
    case "zip-signature":
      return adviseOnContainer(error, subject)
    case "no-tensors":
      return adviseOnGlobs(error.detail.unmatched ?? [])
    case "root-not-found":
      return adviseOnRoot(error)
    default:
      return undefined
  }
}

/** Names one of the candidates, as it is typed. */
function adviseOnRoot({ detail }: CheckpointError<"root-not-found">): Advice | undefined {
  if (detail.candidates.length === 0) return { next: "Leave --root out: the checkpoint has no parts." }
  const paths = new Map(detail.candidates.map(({ path }) => [path.join("."), path]))
  const [near] = nearestNames(detail.root.join("."), paths.keys())
  const path = near === undefined ? undefined : paths.get(near)
  if (near === undefined || path === undefined || path.length === 0) return undefined
  const isPlain = !near.startsWith("[") && near.split(".").length === path.length
  const word = shellWord(isPlain ? near : JSON.stringify(path))
  if (word === undefined) return undefined
  return { next: `Did you mean --root ${word}? Or name another of these, or take everything with --all.` }
}

function adviseOnGlobs(unmatched: readonly UnmatchedGlob[]): Advice | undefined {
  if (unmatched.length === 0) return undefined
  const next =
    "Correct --include or --exclude. They are compared with the names that `inspect` lists, which begin below the root."
  return { notes: unmatched.map(sayUnmatched), next }
}

/** Of two files that `verify` is given, the error names its own or is about the checkpoint. */
function subjectOf(error: AnyCheckpointError, line: CommandLine, mayLook: boolean): Subject | undefined {
  const { files } = line
  const { path } = error.detail as { readonly path?: string }
  const named = path === undefined ? undefined : files.find((file) => file === path)
  const file = named ?? (line.command.name === "verify" ? files[1] : undefined) ?? files[0]
  if (file === undefined) return undefined
  return { line, file, path: isUrl(file) || file === STANDARD_STREAM || !mayLook ? undefined : file }
}

const NEXT_STEPS: ReadonlyMap<string, string> = new Map<ErrorCode, string>([
  ["output-exists", "Name another output with -o, or allow overwriting with --force."],
  ["output-is-input", "Name another output with -o."],
  ["limit-exceeded", "If you trust where the file comes from, raise that limit with --limit NAME=NUMBER."],
  [
    "checksum",
    "The file is damaged or was not written by torch.save: fetch it again, or ask for a new copy. To convert it all " +
      "the same, turn verification off with --verify none.",
  ],
  ["byte-order", "State the byte order that the file was written with: --byteorder little, or big."],
  ["tensor-unsupported", "Leave them out with --exclude NAME, or convert them with torch first."],
  ["name-type", "Choose another root with --root, or save a state dict whose keys are text."],
  ["name-encoding", "Give it another name with --rename FROM=TO, or leave it out with --exclude NAME."],
  ["name-reserved", "Give it another name with --rename FROM=TO, or leave it out with --exclude NAME."],
  [
    "name-duplicate",
    "Choose a narrower root with --root, or rename or leave out one of them with --rename or --exclude.",
  ],
  ["no-tensors", "There is nothing to convert. `inspect` shows what the file holds."],
  [
    "no-model",
    "Convert the file that the model was saved to. To take these tensors all the same, ask for everything with --all.",
  ],
  [
    "root-not-found",
    "Name a part that holds tensors with --root, take everything with --all, or give no root.",
  ],
  ["root-ambiguous", "Name the one to convert with --root, or take everything with --all."],
  [
    "tensors-shared",
    "Allow it: --shared alias writes a tensor with several names once, --shared copy under each name.",
  ],
])

/** What to do about an error or a finding of this code, of which the library says `nextStep`. */
export function nextStepOf<Said extends string | undefined>(code: string, nextStep: Said): string | Said {
  return NEXT_STEPS.get(code) ?? nextStep
}
