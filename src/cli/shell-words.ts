/**
 * Commands that a message prints to be copied into a shell. Names in them come from strangers, so each is one word
 * whatever it holds, and a name that does not show as it is stands in no command.
 */

import { shown } from "./shown-text.ts"

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
