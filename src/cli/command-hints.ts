/** What was likely meant by a word that is no command. */

import { existsSync } from "node:fs"
import { nearestNames } from "../text/nearest-names.ts"
import { argumentWord } from "./shell-words.ts"
import { isUrl } from "./url-name.ts"
import { UsageError } from "./usage-error.ts"

/** Words that begin a command line. */
export const COMMAND_NAMES: readonly string[] = ["inspect", "scan", "verify"]

/** What other programs call them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["info", "inspect"],
  ["list", "inspect"],
  ["ls", "inspect"],
  ["show", "inspect"],
  ["audit", "scan"],
  ["check", "verify"],
  ["compare", "verify"],
  ["diff", "verify"],
])

/** The command that a word was likely meant for. */
export function nearestCommand(word: string): string | undefined {
  return OTHER_NAMES.get(word) ?? nearestNames(word, COMMAND_NAMES)[0]
}

/** The same command line with another command in place of its first word, or with none. */
export function again(command: string, [, ...others]: readonly string[]): readonly string[] {
  // What may hold a token or a signature is not repeated.
  if (others.some((word) => isUrl(word) || word.startsWith("--header"))) return []
  const words = ["tosafetensors", ...(command === "" ? [] : [command]), ...others.map(argumentWord)]
  return others.length > 0 && words.every((word) => word !== undefined) ? [words.join(" ")] : []
}

/**
 * Of several files to convert, the first may be a command that was mistyped.
 *
 * @throws UsageError
 */
export function requireNoOtherCommand(argv: readonly string[]): void {
  const [word = ""] = argv
  const command = existsSync(word) ? undefined : nearestCommand(word)
  if (command === undefined) return
  const hint = { next: `Did you mean ${command}?`, commands: again(command, argv) }
  throw new UsageError(`there is no command "${word}", and no file of that name`, { hint })
}
