/** The streams that a command talks to, and how text gets there. */

import type { Readable, Writable } from "node:stream"
import { styleText } from "node:util"
import { StreamFailure } from "../endings.ts"
import type { HandedFiles } from "../isolation/handed-files.ts"

/** A stream for output, and what it can show when it is a terminal. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean
  /** Characters in a line of a terminal. */
  readonly columns?: number
  /** False also where the user has asked for no colour (NO_COLOR). */
  readonly hasColors?: () => boolean
}

/** Everything of the process that a command sees. */
export interface Terminal {
  readonly stdin: Readable & {
    readonly isTTY?: boolean
    /** Its file descriptor, when it has one. */
    readonly fd?: number
  }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** Aborted when the user interrupts the process. */
  readonly signal: AbortSignal
  /** In an isolated process, the files that it may use: it opens none itself. */
  readonly handed?: HandedFiles | undefined
}

type Style = "bold" | "dim" | "red" | "green" | "yellow"

/** `text` in a style, where `stream` is a terminal that shows styles. */
export function paint(stream: OutputStream, style: Style, text: string): string {
  if (stream.isTTY !== true || stream.hasColors?.() !== true) return text
  return styleText(style, text, { validateStream: false })
}

/** Characters that a line of `stream` has room for; undefined when it is no terminal, and nothing may be cut. */
export function lineWidth(stream: OutputStream): number | undefined {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0
    ? stream.columns
    : undefined
}

/** What a stream ends with whose reader has gone. */
const NOBODY_READS: ReadonlySet<string | undefined> = new Set(["EPIPE", "ERR_STREAM_DESTROYED"])

/**
 * Writes a text, whole or in pieces, and a line feed. That nobody reads it any more (`| head`) is no failure: the rest
 * is dropped.
 *
 * @throws StreamFailure
 */
export async function printText(stream: OutputStream, text: string | readonly string[]): Promise<void> {
  for (const piece of typeof text === "string" ? [`${text}\n`] : [...text, "\n"]) {
    const cause = await failureOf(stream, piece)
    if (NOBODY_READS.has(cause?.code)) return
    if (cause !== undefined) throw new StreamFailure(cause)
  }
}

/**
 * Writes and waits until the bytes are gone.
 *
 * @throws StreamFailure
 */
export async function writeBytes(stream: OutputStream, bytes: Uint8Array): Promise<void> {
  const cause = await failureOf(stream, bytes)
  if (cause !== undefined) throw new StreamFailure(cause)
}

function failureOf(
  stream: OutputStream,
  chunk: Uint8Array | string,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => void stream.write(chunk, (cause) => resolve(cause ?? undefined)))
}

/** Lines that are written at once. All lines of a listing together may be longer than a text can be. */
const LINES_AT_ONCE = 256

/** Writes lines, each with a line feed, as `printText` does. */
export async function printLines(stream: OutputStream, lines: readonly string[]): Promise<void> {
  for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
    await printText(stream, lines.slice(start, start + LINES_AT_ONCE).join("\n"))
  }
}
