/** What a command line is made of: options, each described once; commands; and what one asks for. */

import type { Terminal } from "./terminal/streams.ts"

/** One option. */
export interface OptionRow {
  readonly short?: string
  /** What stands for its value in the help; an option without one is a switch. */
  readonly value?: string
  /** Whether it may be given several times. */
  readonly repeatable?: true
  /** What other programs call it. */
  readonly alsoCalled?: readonly string[]
  readonly help: string
}

/** By name, in the order of the help. Which commands take it, their rows say. */
export const OPTIONS = {
  output: {
    short: "o",
    value: "FILE",
    alsoCalled: ["out", "outfile"],
    help: "where to write, - for standard output (default: the input's name, ending in .safetensors)",
  },
  root: {
    value: "KEYS",
    alsoCalled: ["key"],
    help: `keys to the state dict: a.b, or, for keys with dots, '["a.b","c"]' (default: found by rule)`,
  },
  all: { help: "take every tensor of the checkpoint" },
  include: {
    value: "GLOB",
    repeatable: true,
    alsoCalled: ["filter"],
    help: "take only tensors that match: * is any run of characters, ? is one",
  },
  exclude: {
    value: "GLOB",
    repeatable: true,
    alsoCalled: ["skip"],
    help: "leave out tensors that match",
  },
  rename: {
    value: "FROM=TO",
    repeatable: true,
    alsoCalled: ["prefix"],
    help: "replace the beginning of names: module.= strips it, a.=b. changes it; with stars a rule is about the whole name: '*.gamma=*.weight'. Rules apply in order and after --include and --exclude",
  },
  shared: {
    value: "POLICY",
    help: "names of one tensor: alias (default) writes it once, under its first name, and keeps the others in the metadata, copy writes each, error refuses",
  },
  keep: {
    value: "GLOB",
    repeatable: true,
    help: "of several names for one tensor, keep one that matches, not the first (names as in the checkpoint, before --rename)",
  },
  metadata: { value: "KEY=VALUE", repeatable: true, help: "text for the header, beside format=pt" },
  byteorder: {
    value: "ORDER",
    help: "little or big, where the file does not say it or says it wrongly",
  },
  verify: {
    value: "HOW",
    help: "crc (default) checks what is read against the checksums of the archive, none does not",
  },
  sha256: {
    value: "DIGEST",
    help: "refuse a checkpoint with another SHA-256 before anything of it is parsed: one more pass over it",
  },
  provenance: {
    help: "keep the checkpoint's SHA-256 and size and this program's version in the metadata: one more pass over the checkpoint",
  },
  isolate: {
    help: "parse in a process that may open no file, start no program and load no addon (Node's permission model); only Node 25 and newer keep it off the network. For hostile files, use a container as well",
  },
  header: {
    value: "HEADER",
    repeatable: true,
    alsoCalled: ["token", "auth"],
    help: "sent to the server of a URL, for a token such as 'authorization: Bearer TOKEN'; @FILE takes the lines of a file, which the list of processes does not show",
  },
  "stall-timeout": {
    value: "SECONDS",
    help: "ask a server again that sends nothing for so long (default 30; 0 waits for ever)",
  },
  "dry-run": { help: "show what would be written, and write nothing" },
  force: { alsoCalled: ["overwrite", "yes"], help: "replace an output that exists" },
  json: { help: "print JSON for programs on standard output" },
  sarif: { help: "print a SARIF 2.1.0 log, for code scanning" },
  quiet: { help: "print nothing but errors" },
  limit: {
    value: "NAME=NUMBER",
    repeatable: true,
    help: "set one of the limits on what the file may ask for; an error says which one the file exceeds",
  },
  help: { short: "h", help: "show this help" },
  version: { short: "V", help: "show the version" },
} as const

export type OptionName = keyof typeof OPTIONS

/** All of them, as rows. */
export const OPTION_ROWS: ReadonlyMap<OptionName, OptionRow> = new Map(
  Object.entries<OptionRow>(OPTIONS) as [OptionName, OptionRow][],
)

/** A row of the table of commands. */
export interface Command {
  /** Its first word; the first command of the table has none. */
  readonly name: string
  /** What other programs call it. */
  readonly alsoCalled?: readonly string[]
  readonly usage: string
  /** What `--help` says of it, in lines of 80 characters. */
  readonly about: string
  readonly options: readonly OptionName[]
  /** Files that it takes. */
  readonly maxFiles: number
  /** Returns the exit code. Loads what it needs when it is called. */
  readonly run: (line: CommandLine, terminal: Terminal) => Promise<number>
}

/** What was asked for. */
export interface CommandLine {
  readonly command: Command
  /** Files, in order. */
  readonly files: readonly string[]
  readonly options: OptionValues
  /** The command that the first word was likely meant for, where it is taken for a file. */
  readonly meant: string | undefined
}

/** The values of options, by name. */
export class OptionValues {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** Whether a switch was given. */
  has(name: OptionName): boolean {
    return this.#values[name] === true
  }

  /** The value of an option. */
  text(name: OptionName): string | undefined {
    const value = this.#values[name]
    return typeof value === "string" ? value : undefined
  }

  /** Every value of an option that may be repeated. */
  texts(name: OptionName): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value : []
  }
}
