/** The text of `--help`. */

import type { CommandName, OptionRow } from "./options.ts"
import { OPTIONS } from "./options.ts"

const USAGE: Readonly<Record<CommandName, string>> = {
  convert: "tosafetensors <checkpoint> [-o <output>] [options]",
  inspect: "tosafetensors inspect <checkpoint> [options]",
  scan: "tosafetensors scan <file or folder>... [options]",
  verify: "tosafetensors verify <file.safetensors> [<checkpoint>] [options]",
}

const ABOUT: Readonly<Record<CommandName, string>> = {
  convert: `Converts a PyTorch checkpoint to safetensors, without Python and without running
what is in it. The checkpoint is a file, a URL (http: or https:), or - for
standard input. The output appears whole or not at all.

Other commands (--help after their name tells more):
  ${USAGE.inspect}
  ${USAGE.scan}
  ${USAGE.verify}`,
  inspect: `Lists the tensors of a checkpoint: names, dtypes, shapes, sizes, which share
memory, and which a conversion would leave out. No weights are read, nor
fetched from a URL.`,
  scan: `Lists what the pickles of a file would import and call if Python loaded it, and
what else a conversion would refuse. Nothing is run, and no weights are read:
damage to them is not seen. A file is a checkpoint of any layout, a pickle, a
safetensors file, by its path or URL, or - for standard input. In a folder,
every file at any depth is scanned. Other files are "not a model" and do not
make the scan fail, unless they have the name of a model (.pt, .pkl, .bin).
Links to files are followed, links to folders are not.`,
  verify: `Checks that a safetensors file follows the format. With the checkpoint that it
was made from, compares every byte with what a conversion would write: give the
options that it was made with.`,
}

const EXIT_CODES = `Exit codes: 0 done, 1 refused or different, 2 usage, 3 reading or writing
failed, 130 interrupted (129 by SIGHUP, 143 by SIGTERM).`

/** Characters for an option and its value. */
const OPTION_COLUMN = 26

/** How a command is called, in one line. */
export function usageOf(command: CommandName): string {
  return `Usage: ${USAGE[command]}`
}

/** The help on a command. */
export function helpOn(command: CommandName): string {
  const rows = OPTIONS.filter(({ commands }) => commands.includes(command)).map(describeOption)
  return `${usageOf(command)}\n\n${ABOUT[command]}\n\nOptions:\n${rows.join("\n")}\n\n${EXIT_CODES}`
}

function describeOption({ name, short, value, help }: OptionRow): string {
  const dash = short === undefined ? "    " : `-${short}, `
  const option = `  ${dash}--${name}${value === undefined ? "" : ` ${value}`}`
  const indent = " ".repeat(OPTION_COLUMN + 2)
  const [first = "", ...rest] = help
  return [`${option.padEnd(OPTION_COLUMN)}  ${first}`, ...rest.map((line) => indent + line)].join("\n")
}
