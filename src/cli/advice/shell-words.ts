/**
 * What is printed below an error, and commands in it that are to be copied into a shell. Names in them come from strangers, so each is one word
 * whatever it holds, and a name that does not show as it is stands in no command.
 */

import type { CommandLine } from "../command-line.ts"
import type { UsageHint } from "../endings.ts"
import { shown } from "../terminal/words.ts"

/** What is printed below an error: what was found out besides, what to do next, commands in order. */
export interface Advice extends UsageHint {
  readonly notes?: readonly string[]
}

/** What an error happened to. */
export interface Subject {
  readonly line: CommandLine
  /** The file as the command line names it. */
  readonly file: string
  /** Its path where it is a file on this computer that may be looked at; undefined for URLs, pipes and isolated processes. */
  readonly path: string | undefined
}

/** `next`, and its commands where all of them can be written. */
export function advise(next: string, ...commands: readonly (string | undefined)[]): Advice {
  return { next, commands: commandsOf(...commands) }
}

/** As `advise`, with commands of POSIX (cp, dd, tar, unzip): Windows has others. */
export function adviseInPosix(next: string, ...commands: readonly (string | undefined)[]): Advice {
  return HAS_POSIX_TOOLS ? advise(next, ...commands) : { next, commands: [] }
}

/** What every shell takes as it stands. */
const PLAIN = /^[\w@%+=:,./-]+$/

/** `text` as one word; undefined where it holds what a terminal does not show. */
export function shellWord(text: string): string | undefined {
  // A name that begins with a dash would be an option.
  return text === "" ? undefined : argumentWord(text.startsWith("-") ? `./${text}` : text)
}

/** As `shellWord`, for what may be an option. */
export function argumentWord(text: string): string | undefined {
  if (shown(text) !== text) return undefined
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** A command with words from elsewhere in it; undefined where one of them cannot stand in it. */
export function shellCommand(parts: TemplateStringsArray, ...words: readonly string[]): string | undefined {
  let command = parts[0] ?? ""
  for (const [index, text] of words.entries()) {
    const word = shellWord(text)
    if (word === undefined) return undefined
    command += word + (parts[index + 1] ?? "")
  }
  return command
}

/** `command`, run in `folder`. */
export function inFolder(folder: string, command: string | undefined): string | undefined {
  const change = folder === "." ? "" : shellCommand`cd ${folder} && `
  if (change === undefined || command === undefined) return undefined
  return change === "" ? command : `(${change}${command})`
}

/** All of `commands`, or none where one of them cannot be written. */
export function commandsOf(...commands: readonly (string | undefined)[]): readonly string[] {
  return commands.every((command) => command !== undefined) ? commands : []
}

/** Whether commands of POSIX (cp, dd, tar, unzip) can be expected: Windows has others. */
export const HAS_POSIX_TOOLS: boolean = process.platform !== "win32"
