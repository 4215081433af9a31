/** The checkpoint that a command reads: a file, a URL, or standard input. */

import { fstatSync } from "node:fs"
import { Readable } from "node:stream"
import { READ_FAILED } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { FileSource } from "../node/file-source.ts"
import type { CheckpointInput } from "../node/index.ts"
import { inheritedFile } from "../node/open-file.ts"
import { type HandedFiles, receivedError } from "./handed-files.ts"
import type { Terminal } from "./terminal.ts"
import { readUrl } from "./url-input.ts"
import { isUrl } from "./url-name.ts"
import { UsageError } from "./usage-error.ts"

/** Stands for standard input, and as an output for standard output. */
export const STANDARD_STREAM = "-"

/** The same file as standard input, opened anew, on every system but Windows. */
const STANDARD_INPUT_PATH = "/dev/stdin"

/**
 * A file that was redirected (`< model.pt`) is read in place; a pipe is taken in through a temporary file.
 *
 * @throws UsageError when standard input is a keyboard, and for a URL that is none.
 */
export function openInput(file: string, terminal: Terminal): CheckpointInput {
  const { handed } = terminal
  if (handed !== undefined) return handedInput(file, handed)
  if (isUrl(file)) return readUrl(file)
  if (file !== STANDARD_STREAM) return file
  const { stdin } = terminal
  if (stdin.isTTY === true) {
    throw new UsageError("standard input is a terminal: pipe a checkpoint into it, or name a file")
  }
  const { fd } = stdin
  const kind = fd === undefined || process.platform === "win32" ? undefined : fstatSync(fd)
  // A folder too: as a stream it would look empty, opened it is refused for what it is.
  const redirected = kind?.isFile() === true || kind?.isDirectory() === true
  return redirected ? STANDARD_INPUT_PATH : (Readable.toWeb(stdin) as ReadableStream<Uint8Array>)
}

function handedInput(file: string, { inputs, unopened }: HandedFiles): FileSource {
  const error = unopened.find(({ name }) => name === file)?.error
  if (error !== undefined) throw receivedError(error)
  const found = inputs.find(({ name }) => name === file)
  if (found !== undefined) return new FileSource(inheritedFile(found.descriptor), found.path, found.status)
  throw new CheckpointError(READ_FAILED, { path: file, reason: "this process was not handed it" })
}
