#!/usr/bin/env node
/** The process around the command line: its streams, signals and exit code. */

import { EXIT } from "./exit-codes.ts"
import { runCli } from "./run-cli.ts"

const interruption = new AbortController()
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // Asked twice, it ends at once, whatever is under way.
    if (interruption.signal.aborted) process.exit(EXIT.interrupted)
    interruption.abort(new Error(`interrupted by ${signal}`))
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
})
// Everything has been written and closed by now. An input that was not read to its end would keep the process alive.
process.exit(exitCode)
