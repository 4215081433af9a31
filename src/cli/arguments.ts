/** From `process.argv` to a command and the values of its options, to what was likely meant, or to help. */

import { existsSync } from "node:fs"
import { parseArgs } from "node:util"
import { nearestNames, safeMessage } from "../node/texts-for-command-line.ts"
import { argumentWord, commandsOf, shellCommand } from "./advice/shell-words.ts"
import { type Command, type CommandLine, OPTION_ROWS, type OptionName, OptionValues } from "./command-line.ts"
import { COMMANDS, commandOf } from "./commands.ts"
import { UsageError, type UsageHint } from "./endings.ts"
import { type OutputStream, paint } from "./terminal/streams.ts"
import { DetailLines, HEAD, quoted, wrap, wrapped } from "./terminal/words.ts"
import { isUrl } from "./urls.ts"

const [CONVERT, ...NAMED] = COMMANDS

/** Words that are more likely meant as commands than as files. */
const NO_COMMANDS: ReadonlySet<string | undefined> = new Set([CONVERT.name, "help", "version"])

/** What other programs call commands, and options. */
const OTHER_COMMANDS = new Map(
  NAMED.flatMap(({ name, alsoCalled = [] }) => alsoCalled.map((other) => [other, name])),
)
const OTHER_OPTIONS = new Map(
  [...OPTION_ROWS].flatMap(([name, { alsoCalled = [] }]) => alsoCalled.map((other) => [other, name])),
)

/** @throws UsageError */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const command = commandOf(argv)
  const [word = ""] = argv
  if (NO_COMMANDS.has(argv[0])) {
    const isConvert = word === CONVERT.name
    throw new UsageError(`there is no command "${word}"; a file of that name is written ./${word}`, {
      hint: isConvert ? { next: "Converting needs no command:", commands: again([], argv) } : undefined,
    })
  }
  const args = command === CONVERT ? [...argv] : argv.slice(1)
  const options = Object.fromEntries(command.options.map((name) => [name, configOf(name)]))
  try {
    const { values, positionals: files } = parseArgs({ args, options, allowPositionals: true })
    const given = { command, files, options: new OptionValues(values) }
    if (command !== CONVERT) return { ...given, meant: undefined }
    // Of several files to convert, the first may be a command that was mistyped.
    const other = files.length > 1 && !existsSync(word) ? nearestCommand(word) : undefined
    if (other === undefined) return { ...given, meant: nearestCommand(files[0] ?? "") }
    const hint = { next: `Did you mean ${other}?`, commands: again([other], argv) }
    throw new UsageError(`there is no command "${word}", and no file of that name`, { hint })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node's own words; what follows the first sentence or line is about positionals that start with a dash.
    const [first = ""] = error.message.split(/\n|\. To specify/)
    const message = first.replace(/\.$/, "")
    throw new UsageError(message, { cause: error, hint: hintOnOption(message, args, command) })
  }
}

function configOf(name: OptionName): { type: "boolean" | "string"; multiple: boolean; short?: string } {
  const { short, value, repeatable = false } = OPTION_ROWS.get(name) ?? {}
  const type = value === undefined ? "boolean" : "string"
  return { type, multiple: repeatable, ...(short === undefined ? {} : { short }) }
}

function nearestCommand(word: string): string | undefined {
  const names = NAMED.map(({ name }) => name)
  return OTHER_COMMANDS.get(word) ?? nearestNames(word, names)[0]
}

/** The same command line with `words` in place of its first one. */
function again(words: readonly string[], [, ...others]: readonly string[]): readonly string[] {
  // What may hold a token or a signature is not repeated.
  if (others.length === 0 || others.some((word) => isUrl(word) || word.startsWith("--header"))) return []
  const all = ["tosafetensors", ...words, ...others.map(argumentWord)]
  return all.every((word) => word !== undefined) ? [all.join(" ")] : []
}

/** A hint on Node's `message` about one of `args`. */
function hintOnOption(message: string, args: readonly string[], command: Command): UsageHint | undefined {
  const [, option] = /^Unknown option '(-[^']*)'$/.exec(message) ?? []
  if (option === undefined) return undefined
  const file = args.find((word) => /^-[^-]/.test(word) && word.startsWith(option) && existsSync(word))
  if (file !== undefined) {
    const commands = command === CONVERT ? commandsOf(shellCommand`tosafetensors ${file}`) : []
    return { next: `A file whose name begins with a dash is written ${quoted(`./${file}`)}.`, commands }
  }
  if (!option.startsWith("--")) return undefined
  const name = option.replace(/^-+/, "")
  const meant =
    OTHER_OPTIONS.get(name) ?? nearestOption(name, command.options) ?? nearestOption(name, OPTION_ROWS.keys())
  if (meant === undefined) return undefined
  const takers = COMMANDS.filter(({ options }) => options.some((each) => each === meant))
  if (takers.includes(command)) return { next: `Did you mean --${meant}?` }
  const places = takers.map((each) => (each === CONVERT ? "a conversion" : each.name)).join(", ")
  const question = meant === name ? "" : `Did you mean --${meant}? `
  return { next: `${question}--${meant} is an option of ${places}.` }
}

/** Of `own` the one that is most like `name`, by what it is called here or elsewhere. */
function nearestOption(name: string, own: Iterable<string>): string | undefined {
  const names = [...own]
  const others = [...OTHER_OPTIONS].filter(([, meant]) => names.includes(meant)).map(([other]) => other)
  const [near] = nearestNames(name, [...names, ...others])
  return near === undefined ? undefined : (OTHER_OPTIONS.get(near) ?? near)
}

const EXIT_CODES = `Exit codes: 0 done, 1 refused or different, 2 usage, 3 reading or writing
failed, 130 interrupted (129 by SIGHUP, 143 by SIGTERM).`

/** Characters for an option and its value, and for what is said of it. */
const OPTION_COLUMN = 26
const HELP_COLUMN = 52

/** The help on the command that `argv` names. */
export function helpOn(argv: readonly string[]): string {
  const command = commandOf(argv)
  const [first, ...others] = COMMANDS
  const usages = others.map(({ usage }) => `\n  ${usage}`).join("")
  const more = command === first ? `\n\nOther commands (--help after their name tells more):${usages}` : ""
  const rows = Array.from(OPTION_ROWS, ([name, { short, value, help }]) => {
    if (!command.options.includes(name)) return ""
    const dash = short === undefined ? "    " : `-${short}, `
    const option = `  ${dash}--${name}${value === undefined ? "" : ` ${value}`}`
    const lines = wrap(help, HELP_COLUMN).join(`\n${" ".repeat(OPTION_COLUMN + 2)}`)
    return `\n${option.padEnd(OPTION_COLUMN)}  ${lines}`
  })
  return `Usage: ${command.usage}\n\n${command.about}${more}\n\nOptions:${rows.join("")}\n\n${EXIT_CODES}`
}

/** What is wrong with the command line `argv`, what was likely meant, and where to read more. */
export function sayUsage(
  stderr: OutputStream,
  argv: readonly string[],
  { message, hint }: UsageError,
): string {
  const command = commandOf(argv)
  const call = command === COMMANDS[0] ? "tosafetensors" : `tosafetensors ${command.name}`
  const head = `${paint(stderr, "red", HEAD)} ${wrapped(safeMessage(message), stderr, HEAD.length + 1)}`
  const detail = new DetailLines(stderr, "next".length)
  if (hint !== undefined) {
    detail.add("next", hint.next)
    detail.addWhole("run", hint.commands ?? [])
  }
  return [head, ...detail.lines, `Usage: ${command.usage}`, `${call} --help tells more.`].join("\n")
}
