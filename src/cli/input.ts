/** The checkpoint that a command reads: a file, or standard input. */

import { Readable } from "node:stream"
import type { CheckpointInput } from "../node/index.ts"
import type { Terminal } from "./terminal.ts"
import { UsageError } from "./usage-error.ts"

/** Stands for standard input, and as an output for standard output. */
export const STANDARD_STREAM = "-"

/** @throws UsageError when standard input is a keyboard. */
export function openInput(file: string, { stdin }: Terminal): CheckpointInput {
  if (file !== STANDARD_STREAM) return file
  if (stdin.isTTY === true) {
    throw new UsageError("standard input is a terminal: pipe a checkpoint into it, or name a file")
  }
  return Readable.toWeb(stdin) as ReadableStream<Uint8Array>
}
