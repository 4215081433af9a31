/** The table of commands. Parsing, help, hints and isolation derive from it: a command is a folder and a row. */

import type { Command, OptionName } from "./command-line.ts"

/** How any input is read. */
const READING = [
  ...["byteorder", "sha256", "isolate", "header", "stall-timeout", "json", "limit", "help", "version"],
] as const satisfies readonly OptionName[]

/** What is taken from a checkpoint. */
const SELECTING = ["root", "all", "include", "exclude"] as const satisfies readonly OptionName[]

/** How it is written. */
const MAKING = [
  ...["rename", "shared", "keep", "metadata", "verify", "provenance", "quiet"],
] as const satisfies readonly OptionName[]

/** In the order of the help. The first one is called by no word of its own. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  {
    name: "convert",
    usage: "tosafetensors <checkpoint> [-o <output>] [options]",
    about: `Converts a PyTorch checkpoint to safetensors, without Python and without running
what is in it. The checkpoint is a file, a URL (http: or https:), or - for
standard input. The output appears whole or not at all.`,
    options: [...READING, ...SELECTING, ...MAKING, "output", "dry-run", "force"],
    maxFiles: 1,
    run: async (...call) => (await import("./loaded-later.ts")).runConvert(...call),
  },
  {
    name: "inspect",
    alsoCalled: ["info", "list", "ls", "show"],
    usage: "tosafetensors inspect <checkpoint> [options]",
    about: `Lists the tensors of a checkpoint: names, dtypes, shapes, sizes, which share
memory, and which a conversion would leave out. No weights are read, nor
fetched from a URL.`,
    options: [...READING, ...SELECTING],
    maxFiles: 1,
    run: async (...call) => (await import("./loaded-later.ts")).runInspect(...call),
  },
  {
    name: "scan",
    alsoCalled: ["audit"],
    usage: "tosafetensors scan <file or folder>... [options]",
    about: `Lists what the pickles of a file would import and call if Python loaded it, and
what else a conversion would refuse. Nothing is run, and no weights are read:
damage to them is not seen. A file is a checkpoint of any layout, a pickle, a
safetensors file, by its path or URL, or - for standard input. In a folder,
every file at any depth is scanned. Other files are "not a model" and do not
make the scan fail, unless they have the name of a model (.pt, .pkl, .bin).
Links to files are followed, links to folders are not.`,
    options: [...READING, "sarif", "quiet"],
    maxFiles: Number.POSITIVE_INFINITY,
    run: async (...call) => (await import("./loaded-later.ts")).runScan(...call),
  },
  {
    name: "verify",
    alsoCalled: ["check", "compare", "diff"],
    usage: "tosafetensors verify <file.safetensors> [<checkpoint>] [options]",
    about: `Checks that a safetensors file follows the format. With the checkpoint that it
was made from, compares every byte with what a conversion would write: give the
options that it was made with.`,
    options: [...READING, ...SELECTING, ...MAKING],
    maxFiles: 2,
    run: async (...call) => (await import("./loaded-later.ts")).runVerify(...call),
  },
]

/** The command that the first word names. */
export function commandOf([word]: readonly string[]): Command {
  const [first, ...named] = COMMANDS
  return named.find(({ name }) => name === word) ?? first
}
