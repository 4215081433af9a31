/** What was likely meant by an option that is none. */

import { existsSync } from "node:fs"
import { nearestNames } from "../text/nearest-names.ts"
import type { CommandName } from "./options.ts"
import { OPTIONS } from "./options.ts"
import { commandsOf, shellCommand } from "./shell-words.ts"
import { quoted } from "./shown-text.ts"
import type { UsageHint } from "./usage-error.ts"

/** What other programs call them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["overwrite", "force"],
  ["yes", "force"],
  ["out", "output"],
  ["outfile", "output"],
  ["token", "header"],
  ["auth", "header"],
  ["key", "root"],
  ["prefix", "rename"],
  ["filter", "include"],
  ["skip", "exclude"],
])

/** A hint on Node's `message` about one of `args`. */
export function hintOnOption(
  message: string,
  args: readonly string[],
  command: CommandName,
): UsageHint | undefined {
  const [, option] = /^Unknown option '(-[^']*)'$/.exec(message) ?? []
  if (option === undefined) return undefined
  const file = args.find((word) => /^-[^-]/.test(word) && word.startsWith(option) && existsSync(word))
  if (file !== undefined) {
    const commands = command === "convert" ? commandsOf(shellCommand`tosafetensors ${file}`) : []
    return { next: `A file whose name begins with a dash is written ${quoted(`./${file}`)}.`, commands }
  }
  const name = option.replace(/^-+/, "")
  if (!option.startsWith("--")) return undefined
  const own = OPTIONS.filter(({ commands }) => commands.includes(command)).map((row) => row.name)
  const meant = OTHER_NAMES.get(name) ?? nearest(name, own) ?? nearest(name, ALL_NAMES)
  const row = OPTIONS.find((each) => each.name === meant)
  if (row === undefined) return undefined
  if (row.commands.includes(command)) return { next: `Did you mean --${row.name}?` }
  const places = row.commands.map((each) => (each === "convert" ? "a conversion" : each)).join(", ")
  const question = row.name === name ? "" : `Did you mean --${row.name}? `
  return { next: `${question}--${row.name} is an option of ${places}.` }
}

const ALL_NAMES: readonly string[] = OPTIONS.map((row) => row.name)

/** The name, or another program's that is most like `name`, for the option that it means here. */
function nearest(name: string, own: readonly string[]): string | undefined {
  const others = [...OTHER_NAMES].filter(([, meant]) => own.includes(meant)).map(([other]) => other)
  const [near] = nearestNames(name, [...own, ...others])
  return near === undefined ? undefined : (OTHER_NAMES.get(near) ?? near)
}
