/** Runs one command line. Nothing of the library is loaded until a command is known. */

import { safeMessage } from "../text/quote-text.ts"
import type { CommandLine } from "./arguments.ts"
import { commandOf, parseCommandLine } from "./arguments.ts"
import { DetailLines, HEAD, wrapped } from "./detail-lines.ts"
import { EXIT } from "./exit-codes.ts"
import { helpOn, usageOf } from "./help.ts"
import type { CommandName } from "./options.ts"
import type { Terminal } from "./terminal.ts"
import { paint, printText } from "./terminal.ts"
import { UsageError } from "./usage-error.ts"
import { VERSION } from "./version.ts"

/** Runs the command that `argv` (without node and the script) asks for, and returns the exit code. Never throws. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const command = commandOf(argv)
  let line: CommandLine | undefined
  try {
    if (asksFor(argv, "--help", "-h")) return await say(terminal, helpOn(command))
    if (asksFor(argv, "--version", "-V")) return await say(terminal, VERSION)
    line = parseCommandLine(argv)
    if (line.files.length === 0) throw new UsageError("no file was named")
    const commands = await import("./commands.ts")
    if (line.options.has("isolate") && terminal.handed === undefined) {
      return await commands.runIsolated(line, argv, terminal)
    }
    return await commands[command](line, terminal)
  } catch (error) {
    if (error instanceof UsageError) return reportUsage(terminal, command, error)
    const { reportFailure } = await import("./commands.ts")
    return reportFailure(terminal, error, { line, json: argv.includes("--json") })
  }
}

function asksFor(argv: readonly string[], long: string, short: string): boolean {
  const end = argv.indexOf("--")
  const options = end < 0 ? argv : argv.slice(0, end)
  return options.includes(long) || options.includes(short)
}

async function say(terminal: Terminal, text: string): Promise<number> {
  await printText(terminal.stdout, text)
  return EXIT.done
}

async function reportUsage(
  { stderr }: Terminal,
  command: CommandName,
  { message, hint }: UsageError,
): Promise<number> {
  const help = command === "convert" ? "tosafetensors --help" : `tosafetensors ${command} --help`
  const head = `${paint(stderr, "red", HEAD)} ${wrapped(safeMessage(message), stderr, HEAD.length + 1)}`
  const detail = new DetailLines(stderr, "next".length)
  if (hint !== undefined) {
    detail.add("next", hint.next)
    detail.addWhole("run", hint.commands ?? [])
  }
  const lines = [head, ...detail.lines, usageOf(command), `${help} tells more.`]
  await printText(stderr, lines.join("\n"))
  return EXIT.usage
}
