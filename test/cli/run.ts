/** Runs the command line in this process, with streams of the test's own. */

import { PassThrough, Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { runCli } from "../../src/cli/run-cli.ts"
import type { OutputStream } from "../../src/cli/terminal/streams.ts"

/** The corpus. */
export const ORACLE: string = fileURLToPath(new URL("../fixtures/oracle", import.meta.url))

/** How the streams look to the command. */
export interface Surroundings {
  readonly stdin?: Uint8Array
  /** Characters in a line when both outputs are terminals; pipes by default. */
  readonly columns?: number
  readonly colors?: boolean
  readonly signal?: AbortSignal
}

/** What a command has done. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Standard output as it is. */
  readonly bytes: Uint8Array
}

/** Runs `tosafetensors` with these arguments. */
export async function run(argv: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const { stdin, columns, colors = false, signal = new AbortController().signal } = surroundings
  const stdout = collect(columns, colors)
  const stderr = collect(columns, colors)
  const input = Object.assign(stdin === undefined ? Readable.from([]) : Readable.from([stdin]), {
    isTTY: stdin === undefined,
  })
  const code = await runCli(argv, { stdin: input, stdout: stdout.stream, stderr: stderr.stream, signal })
  const bytes = stdout.bytes()
  return { code, stdout: bytes.toString("utf8"), stderr: stderr.bytes().toString("utf8"), bytes }
}

function collect(
  columns: number | undefined,
  colors: boolean,
): { stream: OutputStream; bytes: () => Buffer } {
  const parts: Buffer[] = []
  const stream = new PassThrough()
  stream.on("data", (part: Buffer) => parts.push(part))
  const shown = { isTTY: columns !== undefined, columns: columns ?? 0, hasColors: () => colors }
  return { stream: Object.assign(stream, shown), bytes: () => Buffer.concat(parts) }
}
