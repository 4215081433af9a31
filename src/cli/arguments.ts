/** From `process.argv` to a command and the values of its options. */

import type { ParseArgsConfig } from "node:util"
import { parseArgs } from "node:util"
import { again, requireNoOtherCommand } from "./command-hints.ts"
import { hintOnOption } from "./option-hints.ts"
import type { CommandName } from "./options.ts"
import { OPTIONS } from "./options.ts"
import { UsageError } from "./usage-error.ts"

/** What was asked for. */
export interface CommandLine {
  readonly command: CommandName
  /** Files, in order. */
  readonly files: readonly string[]
  readonly options: OptionValues
}

/** Commands by their first word; convert has none. */
const COMMANDS: ReadonlyMap<string | undefined, CommandName> = new Map([
  ["inspect", "inspect"],
  ["scan", "scan"],
  ["verify", "verify"],
])

/** Words that are more likely meant as commands than as files. */
const NO_COMMANDS: ReadonlySet<string | undefined> = new Set(["convert", "help", "version"])

/** The values of options, by name. */
export class OptionValues {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** Whether a switch was given. */
  has(name: string): boolean {
    return this.#values[name] === true
  }

  /** The value of an option. */
  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === "string" ? value : undefined
  }

  /** Every value of an option that may be repeated. */
  texts(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value : []
  }
}

/** The command that the first word names. */
export function commandOf(argv: readonly string[]): CommandName {
  return COMMANDS.get(argv[0]) ?? "convert"
}

/** @throws UsageError */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const command = commandOf(argv)
  if (NO_COMMANDS.has(argv[0])) {
    const hint =
      argv[0] === "convert" ? { next: "Converting needs no command:", commands: again("", argv) } : undefined
    throw new UsageError(`there is no command "${argv[0]}"; a file of that name is written ./${argv[0]}`, {
      hint,
    })
  }
  const args = command === "convert" ? [...argv] : argv.slice(1)
  try {
    const { values, positionals } = parseArgs({ args, options: configOf(command), allowPositionals: true })
    if (command === "convert" && positionals.length > 1) requireNoOtherCommand(argv)
    return { command, files: positionals, options: new OptionValues({ ...values }) }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node's own words; what follows the first sentence or line is about positionals that start with a dash.
    const [first = ""] = error.message.split(/\n|\. To specify/)
    const message = first.replace(/\.$/, "")
    throw new UsageError(message, { cause: error, hint: hintOnOption(message, args, command) })
  }
}

function configOf(command: CommandName): NonNullable<ParseArgsConfig["options"]> {
  const rows = OPTIONS.filter(({ commands }) => commands.includes(command))
  return Object.fromEntries(
    rows.map(({ name, short, value, repeatable = false }) => {
      const type: "boolean" | "string" = value === undefined ? "boolean" : "string"
      return [name, { type, multiple: repeatable, ...(short === undefined ? {} : { short }) }]
    }),
  )
}
