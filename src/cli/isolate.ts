/**
 * Runs a command in a process of its own that may do next to nothing.
 *
 * This process parses nothing but the command line. It opens the inputs and the output, hands them over, and gives the
 * output its name in the end; whatever a file could make of a defect in the parsing happens in the other process.
 */

import { existsSync, statSync } from "node:fs"
import { FileSink, prepareFileSink } from "../node/file-sink.ts"
import { FileSource } from "../node/file-source.ts"
import type { CheckpointInput } from "../node/index.ts"
import { isCheckpointError } from "../node/index.ts"
import { openNodeInput } from "../node/platform.ts"
import type { CommandLine } from "./arguments.ts"
import type { Request } from "./convert.ts"
import { isOutputDefaultedToInput, readRequest } from "./convert.ts"
import { EXIT } from "./exit-codes.ts"
import type {
  HandedAnswer,
  HandedError,
  HandedInput,
  HandedRequest,
  Handing,
  UnopenedInput,
} from "./handed-files.ts"
import { ISOLATED_VARIABLE } from "./handed-files.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import { isolationFlags } from "./isolation-flags.ts"
import type { CommandName } from "./options.ts"
import { quoted } from "./shown-text.ts"
import type { Terminal } from "./terminal.ts"
import { printText } from "./terminal.ts"
import { isUrl } from "./url-name.ts"
import { UsageError } from "./usage-error.ts"

/** Descriptors that come before those that are handed over: the three standard streams. */
const FIRST_DESCRIPTOR = 3

/** Files that a command takes. Of more none is opened: the command itself says what is wrong. */
const MOST_FILES: Readonly<Record<CommandName, number>> = {
  convert: 1,
  inspect: 1,
  scan: Number.POSITIVE_INFINITY,
  verify: 2,
}

/** What a process needs to know of its surroundings: how a terminal shows colours, and what Windows cannot do without. */
const ENVIRONMENT = [
  ...["TERM", "COLORTERM", "TERM_PROGRAM", "TMUX", "NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS", "CI"],
  ...["SystemRoot", "windir"],
] as const

/** Files that are open here. */
interface OpenFiles {
  readonly sources: ReadonlyMap<string, FileSource>
  /** Files of a scan that could not be opened: the others are scanned all the same. */
  readonly unopened: readonly UnopenedInput[]
  /** Where a conversion writes, or why it cannot. */
  readonly output: FileSink | HandedError | undefined
  readonly outputExists: boolean
}

/** Runs the command that `line` asks for, as `argv` says it, and returns its exit code. */
export async function runIsolated(
  line: CommandLine,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const flags = isolationFlags()
  if (flags.experimental && !line.options.has("quiet")) {
    await printText(terminal.stderr, `note: Node's permission model is experimental in ${process.version}`)
  }
  const closing: (() => Promise<void>)[] = []
  try {
    const files = await openFiles(line, terminal, closing)
    if (files.output instanceof FileSink) await files.output.open(0)
    return await runProcess([...flags.argv, ...argv], files, terminal)
  } finally {
    for (const close of closing) await close()
  }
}

async function openFiles(
  line: CommandLine,
  terminal: Terminal,
  closing: (() => Promise<void>)[],
): Promise<OpenFiles> {
  const { command } = line
  const names = line.files.length > MOST_FILES[command] ? [] : new Set(line.files)
  requireNoUrl(names)
  if (command === "scan") requireNoFolder(names)
  const inputs = new Map(Array.from(names, (name) => [name, openInput(name, terminal)] as const))
  const conversion = command === "convert" ? readRequest(line, terminal) : undefined
  // As in the command itself: the output is looked at before the input is opened, which may mean to take in a stream.
  const output = conversion === undefined ? undefined : await openOutput(conversion, inputs)
  if (output instanceof FileSink) closing.push(() => output.abort())
  const sources = new Map<string, FileSource>()
  const unopened: UnopenedInput[] = []
  for (const [name, input] of inputs) {
    try {
      const { source, close } = await openNodeInput(input, { signal: terminal.signal })
      closing.push(close)
      if (source instanceof FileSource) sources.set(name, source)
    } catch (error) {
      if (command !== "scan" || !isCheckpointError(error)) throw error
      unopened.push({ name, error: { code: error.code, detail: error.detail } })
    }
  }
  const outputExists = conversion?.dryRun === true && existsSync(conversion.output)
  return { sources, unopened, output, outputExists }
}

/** The isolated process has no business with a network, and this one would have to take in the whole file. */
function requireNoUrl(names: Iterable<string>): void {
  if (Array.from(names).every((name) => !isUrl(name))) return
  const how = "curl --fail --location URL | tosafetensors - -o OUTPUT --isolate"
  throw new UsageError(`--isolate takes files, and a URL was named: fetch it into a pipe (${how}) or a file`)
}

/** Files are handed over one by one, open; what lies in a folder is found out later. */
function requireNoFolder(names: Iterable<string>): void {
  for (const name of names) {
    if (name === STANDARD_STREAM || statSync(name, { throwIfNoEntry: false })?.isDirectory() !== true)
      continue
    throw new UsageError(`--isolate takes files, and ${quoted(name)} is a folder: name its files`)
  }
}

async function openOutput(
  { input, output, force, dryRun }: Request,
  inputs: ReadonlyMap<string, CheckpointInput>,
): Promise<FileSink | HandedError | undefined> {
  if (output === STANDARD_STREAM || dryRun) return undefined
  const opened = inputs.get(input)
  const inputPaths = typeof opened === "string" ? [opened] : []
  try {
    return await prepareFileSink(output, { overwrite: force, inputPaths })
  } catch (error) {
    // What is wrong with such an input is the better answer, and for the other process to find.
    if (isOutputDefaultedToInput({ input, output }, error)) return { code: error.code, detail: error.detail }
    throw error
  }
}

/** @throws the signal's reason when interrupted: the process is gone then. */
async function runProcess(
  argv: readonly string[],
  { sources, unopened, output, outputExists }: OpenFiles,
  { signal, stderr }: Terminal,
): Promise<number> {
  const { spawn } = await import("node:child_process")
  signal.throwIfAborted()
  const inputs: HandedInput[] = []
  const descriptors: number[] = []
  const hand = (descriptor: number): number => FIRST_DESCRIPTOR + descriptors.push(descriptor) - 1
  for (const [name, { path, status, descriptor }] of sources) {
    const { size, mtimeMs, ctimeMs } = status
    inputs.push({ name, path, descriptor: hand(descriptor), status: { size, mtimeMs, ctimeMs } })
  }
  const sink = output instanceof FileSink ? output : undefined
  const handed = output instanceof FileSink ? hand(output.descriptor) : output
  const release = guardDebugger()
  const child = spawn(process.execPath, argv, {
    env: environment(),
    cwd: unwritableFolder(),
    stdio: ["ignore", "inherit", "inherit", ...descriptors, "ipc"],
    windowsHide: true,
  })
  const kill = (): void => void child.kill("SIGKILL")
  signal.addEventListener("abort", kill)
  let answering: Promise<void> = Promise.resolve()
  try {
    const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on("error", reject)
      child.on("close", (code, name) => resolve(code ?? name))
    })
    child.on("message", (request: HandedRequest) => {
      answering = answer(request, sink).then((result) => void child.send(result, () => {}), kill)
    })
    const folder = process.cwd()
    const handing: Handing = { inputs, unopened, output: handed, outputExists, folder }
    child.send(handing, () => {})
    const end = await ended
    if (signal.aborted && stderr.isTTY === true) stderr.write("\r\u001b[2K")
    signal.throwIfAborted()
    if (typeof end === "number") return end
    await printText(stderr, `tosafetensors: the isolated process was ended by ${end}: nothing was written`)
    return EXIT.defect
  } finally {
    await answering
    signal.removeEventListener("abort", kill)
    release()
  }
}

/** Does what the isolated process may not do itself. Whatever it sends, it gets no more than these two. */
async function answer(request: HandedRequest, sink: FileSink | undefined): Promise<HandedAnswer> {
  try {
    if (request.ask === "space") await sink?.requireSpace(request.byteLength)
    else if (request.ask === "name") await sink?.close()
    return "done"
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    return { code: error.code, detail: error.detail }
  }
}

/**
 * Where the process starts: node:trace_events writes a file into the working folder, permissions or not (before Node
 * 24.18.1). In /proc nobody makes files, root included; elsewhere the top folder is writable for root at most.
 */
function unwritableFolder(): string {
  if (process.platform === "win32") return process.env["SystemRoot"] ?? "C:\\"
  return existsSync("/proc/self") ? "/proc" : "/"
}

function environment(): NodeJS.ProcessEnv {
  const kept = ENVIRONMENT.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), [ISOLATED_VARIABLE]: "1" }
}

/**
 * Signals are not restricted, and SIGUSR1 makes a Node process open its debugger, through which anybody on this machine
 * can run code in it. A listener keeps it shut.
 */
function guardDebugger(): () => void {
  if (process.platform === "win32") return () => {}
  const ignore = (): void => {}
  process.on("SIGUSR1", ignore)
  return () => void process.off("SIGUSR1", ignore)
}
