#!/usr/bin/env node
/** The process around the command line: its streams, signals and exit code. */

import { EXIT, EXIT_BY_SIGNAL } from "./endings.ts"
import { IS_ISOLATED, receiveFiles } from "./isolation/handed-files.ts"
import { runCli } from "./run-cli.ts"

/** How long cleaning up may take after an interruption, when nobody asks twice. */
const CLEAN_UP_MS = 3_000

const interruption = new AbortController()
let interruptedCode: number = EXIT.interrupted
for (const [signal, exitCode] of EXIT_BY_SIGNAL) {
  process.on(signal, () => {
    // A terminal sends it to this process and to the one that started it, which ends this one.
    if (IS_ISOLATED) return
    // Asked twice, it ends at once, whatever is under way; temporary files are removed even then.
    if (interruption.signal.aborted) process.exit(exitCode)
    interruptedCode = exitCode
    interruption.abort(new Error(`interrupted by ${signal}`))
    // A pipe that nobody reads takes no last words either, and must not keep the process.
    setTimeout(() => process.exit(exitCode), CLEAN_UP_MS).unref()
  })
}

// Failed writes are reported where they are made; without a listener they would end the process with a stack.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

const { stdout, stderr } = process
const exitCode = await runCli(process.argv.slice(2), {
  stdout,
  stderr,
  // Touching it opens it, which a command that reads a file has no use for.
  get stdin() {
    return process.stdin
  },
  signal: interruption.signal,
  handed: await receiveFiles(),
})
// Everything has been written and closed by now. An input that was not read to its end would keep the process alive.
process.exit(exitCode === EXIT.interrupted ? interruptedCode : exitCode)
