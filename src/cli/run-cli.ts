/** Runs one command line. What a command line does not need is not loaded. */

import { version } from "../../package.json"
import type { CommandLine } from "./command-line.ts"
import { EXIT, UsageError } from "./endings.ts"
import { printText, type Terminal } from "./terminal/streams.ts"

/** Runs the command that `argv` (without node and the script) asks for, and returns the exit code. Never throws. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { stdout, stderr } = terminal
  let line: CommandLine | undefined
  try {
    if (asksFor(argv, "--help", "-h")) {
      const { helpOn } = await import("./arguments.ts")
      await printText(stdout, helpOn(argv))
      return EXIT.done
    }
    if (asksFor(argv, "--version", "-V")) {
      await printText(stdout, version)
      return EXIT.done
    }
    const { parseCommandLine } = await import("./arguments.ts")
    line = parseCommandLine(argv)
    if (line.files.length === 0) throw new UsageError("no file was named")
    if (line.options.has("isolate") && terminal.handed === undefined) {
      const { runIsolated } = await import("./loaded-later.ts")
      return await runIsolated(line, argv, terminal)
    }
    return await line.command.run(line, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      const { sayUsage } = await import("./arguments.ts")
      await printText(stderr, sayUsage(stderr, argv, error))
      return EXIT.usage
    }
    const { reportFailure } = await import("./loaded-later.ts")
    return reportFailure(terminal, error, { line, json: argv.includes("--json") })
  }
}

function asksFor(argv: readonly string[], long: string, short: string): boolean {
  const end = argv.indexOf("--")
  const options = end < 0 ? argv : argv.slice(0, end)
  return options.includes(long) || options.includes(short)
}
