/**
 * Runs a command in a process of its own that may do next to nothing.
 *
 * This process parses nothing but the command line. It opens the inputs and the output, hands them over, and gives the
 * output its name in the end; whatever a file could make of a defect in the parsing happens in the other process.
 */

import { existsSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { FileSink, FileSource, openNodeInput, prepareFileSink } from "../../node/for-command-line.ts"
import { type AnyCheckpointError, type CheckpointInput, isCheckpointError } from "../../node/index.ts"
import type { CommandLine } from "../command-line.ts"
import { isOutputDefaultedToInput, type Request, readRequest } from "../convert/run.ts"
import { EXIT, UsageError } from "../endings.ts"
import { isFolder, openInput, STANDARD_STREAM } from "../input.ts"
import { printText, type Terminal } from "../terminal/streams.ts"
import { quoted } from "../terminal/words.ts"
import { isUrl } from "../urls.ts"
import type { FilesMessage, HandedAnswer, HandedError, HandedInput, HandedRequest } from "./handed-files.ts"
import { ISOLATED_VARIABLE } from "./handed-files.ts"

/** Descriptors that come before those that are handed over: the three standard streams. */
const FIRST_DESCRIPTOR = 3

/** What a process needs to know of its surroundings: how a terminal shows colours, and what Windows cannot do without. */
const ENVIRONMENT = [
  ...["TERM", "COLORTERM", "TERM_PROGRAM", "TMUX", "NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS", "CI"],
  ...["SystemRoot", "windir"],
]

/** Files that are open here. */
interface OpenFiles {
  /** By name. Of a scan one may be missing: the others are scanned all the same. */
  readonly inputs: ReadonlyMap<string, FileSource | HandedError>
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

/** How to start an isolated process. */
export interface IsolationFlags {
  /** For node, up to and with the script. */
  readonly argv: readonly string[]
  /** Whether this version of Node calls its permission model experimental. */
  readonly experimental: boolean
  /** Whether this version keeps the process off the network. */
  readonly network: "forbidden" | "allowed"
}

/**
 * How Node is started with the command line that is bundled in `folder`, so that it may do next to nothing: its
 * permission model.
 *
 * What the process reads and writes is handed to it open (the model leaves open descriptors alone), so it needs no path
 * but those of its own code. Threads stay forbidden: one that is started with `execArgv: []` has no restrictions, in
 * Node 20, 22, 24 and 25.
 *
 * @throws UsageError where there is no permission model, or none that can be told where the code lies.
 */
export function isolationFlags(folder: string = dirname(fileURLToPath(import.meta.url))): IsolationFlags {
  const known = process.allowedNodeEnvironmentFlags
  const permission = ["--permission", "--experimental-permission"].find((flag) => known.has(flag))
  if (permission === undefined)
    throw new UsageError("--isolate needs Node's permission model, which is not here")
  const code = realpathSync(folder)
  const script = join(code, "cli.js")
  if (!existsSync(script)) throw new UsageError("--isolate needs the command line as it is shipped")
  // A star stands for anything and cannot be escaped. Commas are nothing special when there is a flag for each path.
  if (code.includes("*")) {
    throw new UsageError(`--isolate cannot name the folder ${quoted(code)} to Node because of its star`)
  }
  return {
    argv: [
      permission,
      `--allow-fs-read=${code}`,
      // Node 20.19 looks there whether the code is a module.
      `--allow-fs-read=${join(dirname(code), "package.json")}`,
      "--no-addons",
      "--disallow-code-generation-from-strings",
      // That the model is experimental is said once, in our words.
      "--no-warnings",
      script,
    ],
    experimental: permission === "--experimental-permission",
    network: known.has("--allow-net") ? "forbidden" : "allowed",
  }
}

async function openFiles(
  line: CommandLine,
  terminal: Terminal,
  closing: (() => Promise<void>)[],
): Promise<OpenFiles> {
  const { command, files } = line
  const isScan = command.name === "scan"
  // Of too many none is opened: the command itself says what is wrong.
  const names = files.length > command.maxFiles ? [] : [...new Set(files)]
  requireFiles(names, isScan)
  const named = new Map(names.map((name) => [name, openInput(name, terminal)]))
  const conversion = command.name === "convert" ? readRequest(line, terminal) : undefined
  // As in the command itself: the output is looked at before the input is opened, which may mean to take in a stream.
  const output = conversion === undefined ? undefined : await openOutput(conversion, named)
  if (output instanceof FileSink) closing.push(() => output.abort())
  const inputs = new Map<string, FileSource | HandedError>()
  for (const [name, input] of named) {
    try {
      const { source, close } = await openNodeInput(input, { signal: terminal.signal })
      closing.push(close)
      if (source instanceof FileSource) inputs.set(name, source)
    } catch (error) {
      if (!isScan || !isCheckpointError(error)) throw error
      inputs.set(name, handed(error))
    }
  }
  const outputExists = conversion?.dryRun === true && existsSync(conversion.output)
  return { inputs, output, outputExists }
}

/**
 * The isolated process has no business with a network, and this one would have to take in the whole file. Files are
 * handed over one by one, open; what lies in a folder that is scanned is found out later.
 */
function requireFiles(names: readonly string[], isScan: boolean): void {
  if (names.some(isUrl)) {
    const how = "curl --fail --location URL | tosafetensors - -o OUTPUT --isolate"
    throw new UsageError(
      `--isolate takes files, and a URL was named: fetch it into a pipe (${how}) or a file`,
    )
  }
  const folder = isScan ? names.find((name) => name !== STANDARD_STREAM && isFolder(name)) : undefined
  if (folder === undefined) return
  throw new UsageError(`--isolate takes files, and ${quoted(folder)} is a folder: name its files`)
}

async function openOutput(
  request: Request,
  inputs: ReadonlyMap<string, CheckpointInput>,
): Promise<FileSink | HandedError | undefined> {
  const { input, output, force, dryRun } = request
  if (output === STANDARD_STREAM || dryRun) return undefined
  const opened = inputs.get(input)
  const inputPaths = typeof opened === "string" ? [opened] : []
  try {
    return await prepareFileSink(output, { overwrite: force, inputPaths })
  } catch (error) {
    // What is wrong with such an input is the better answer, and for the other process to find.
    if (isOutputDefaultedToInput(request, error)) return handed(error)
    throw error
  }
}

/** @throws the signal's reason when interrupted: the process is gone then. */
async function runProcess(
  argv: readonly string[],
  { inputs, output, outputExists }: OpenFiles,
  { signal, stderr }: Terminal,
): Promise<number> {
  const { spawn } = await import("node:child_process")
  signal.throwIfAborted()
  const descriptors: number[] = []
  const hand = (descriptor: number): number => FIRST_DESCRIPTOR + descriptors.push(descriptor) - 1
  const files = Array.from(inputs, ([name, input]): HandedInput => {
    if (!(input instanceof FileSource)) return { name, error: input }
    const { size, mtimeMs, ctimeMs } = input.status
    return { name, path: input.path, descriptor: hand(input.descriptor), status: { size, mtimeMs, ctimeMs } }
  })
  const sink = output instanceof FileSink ? output : undefined
  const message: FilesMessage = {
    inputs: files,
    output: output instanceof FileSink ? hand(output.descriptor) : output,
    outputExists,
    folder: process.cwd(),
  }
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
    child.send(message, () => {})
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
    return handed(error)
  }
}

function handed({ code, detail }: AnyCheckpointError): HandedError {
  return { code, detail }
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
  const kept = ENVIRONMENT.filter((name) => process.env[name] !== undefined)
  return {
    ...Object.fromEntries(kept.map((name) => [name, process.env[name]])),
    [ISOLATED_VARIABLE]: "1",
  }
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
