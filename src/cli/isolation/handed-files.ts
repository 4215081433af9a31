/**
 * What an isolated process is handed by the one that started it: files that are open already, and somebody to ask for
 * what it may not do itself. It sees no paths but to show them.
 */

import type { FileStatus } from "../../node/for-command-line.ts"
import type { ErrorCode, ErrorDetails } from "../../node/index.ts"
import { EXIT } from "../endings.ts"

/** Tells the process that it is one. */
export const ISOLATED_VARIABLE = "TOSAFETENSORS_ISOLATED"

/** A file, as the command line names it: open, with its path for messages; or why not, which a scan reports. */
export type HandedInput = { readonly name: string } & (
  | { readonly path: string; readonly descriptor: number; readonly status: FileStatus }
  | { readonly error: HandedError }
)

/** The first message to the isolated process. */
export interface FilesMessage {
  readonly inputs: readonly HandedInput[]
  /** The descriptor of the file to write, which has no name yet; or why there is none; undefined when none is written. */
  readonly output: number | HandedError | undefined
  /** Whether something has the output's name already. */
  readonly outputExists: boolean
  /** The folder that the command was started in. The isolated process is in another one. */
  readonly folder: string
}

/** What it may ask for: room on the disk, and that the output gets its name. */
export type HandedRequest = { readonly ask: "space"; readonly byteLength: number } | { readonly ask: "name" }

/** The answer to a request: `undefined` would not survive the passage. */
export type HandedAnswer = "done" | HandedError

/** An error of the library as it passes between processes. */
export interface HandedError<C extends ErrorCode = ErrorCode> {
  readonly code: C
  readonly detail: ErrorDetails[C]
}

/** Everything that an isolated process has been given. */
export interface HandedFiles extends FilesMessage {
  readonly ask: (request: HandedRequest) => Promise<HandedAnswer>
}

/** Whether this process was started to be isolated. */
export const IS_ISOLATED: boolean = process.send !== undefined && process.env[ISOLATED_VARIABLE] !== undefined

/** Waits for the files, in an isolated process, which ends with the one that started it. */
export async function receiveFiles(): Promise<HandedFiles | undefined> {
  if (!IS_ISOLATED) return undefined
  process.on("disconnect", () => process.exit(EXIT.interrupted))
  const ask = (request: HandedRequest): Promise<HandedAnswer> => {
    const answer = nextMessage<HandedAnswer>()
    process.send?.(request)
    return answer
  }
  const message = await nextMessage<FilesMessage>()
  // Paths are shown as from the folder of the command; none is opened from here.
  process.cwd = () => message.folder
  return { ...message, ask }
}

function nextMessage<Message>(): Promise<Message> {
  return new Promise((resolve) => {
    process.once("message", (message) => resolve(message as Message))
  })
}
