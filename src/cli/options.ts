/** Every option: which commands take it, and what `--help` says of it. The parser and the help are made from this. */

export type CommandName = "convert" | "inspect" | "scan" | "verify"

/** One option. */
export interface OptionRow {
  readonly name: string
  readonly short?: string
  /** What stands for its value in the help; an option without one is a switch. */
  readonly value?: string
  /** Whether it may be given several times. */
  readonly repeatable?: true
  readonly commands: readonly CommandName[]
  /** Lines of the help. */
  readonly help: readonly string[]
}

const ALL: readonly CommandName[] = ["convert", "inspect", "verify"]
const READING: readonly CommandName[] = [...ALL, "scan"]
const MAKING: readonly CommandName[] = ["convert", "verify"]
const CONVERT: readonly CommandName[] = ["convert"]

/** In the order of the help. */
export const OPTIONS: readonly OptionRow[] = [
  {
    name: "output",
    short: "o",
    value: "FILE",
    commands: CONVERT,
    help: ["where to write, - for standard output (default: the", "input's name, ending in .safetensors)"],
  },
  {
    name: "root",
    value: "KEYS",
    commands: ALL,
    help: [
      "keys to the state dict: a.b, or, for keys with dots,",
      '\'["a.b","c"]\' (default: found by rule)',
    ],
  },
  { name: "all", commands: ALL, help: ["take every tensor of the checkpoint"] },
  {
    name: "include",
    value: "GLOB",
    repeatable: true,
    commands: ALL,
    help: ["take only tensors that match: * is any run of", "characters, ? is one"],
  },
  {
    name: "exclude",
    value: "GLOB",
    repeatable: true,
    commands: ALL,
    help: ["leave out tensors that match"],
  },
  {
    name: "rename",
    value: "FROM=TO",
    repeatable: true,
    commands: MAKING,
    help: [
      "replace the beginning of names: module.= strips it,",
      "a.=b. changes it; with stars a rule is about the",
      "whole name: '*.gamma=*.weight'. Rules apply in order",
      "and after --include and --exclude",
    ],
  },
  {
    name: "shared",
    value: "POLICY",
    commands: MAKING,
    help: [
      "names of one tensor: alias (default) writes it once,",
      "under its first name, and keeps the others in the",
      "metadata, copy writes each, error refuses",
    ],
  },
  {
    name: "keep",
    value: "GLOB",
    repeatable: true,
    commands: MAKING,
    help: [
      "of several names for one tensor, keep one that",
      "matches, not the first (names as in the checkpoint,",
      "before --rename)",
    ],
  },
  {
    name: "metadata",
    value: "KEY=VALUE",
    repeatable: true,
    commands: MAKING,
    help: ["text for the header, beside format=pt"],
  },
  {
    name: "byteorder",
    value: "ORDER",
    commands: READING,
    help: ["little or big, where the file does not say it or", "says it wrongly"],
  },
  {
    name: "verify",
    value: "HOW",
    commands: MAKING,
    help: ["crc (default) checks what is read against the", "checksums of the archive, none does not"],
  },
  {
    name: "sha256",
    value: "DIGEST",
    commands: READING,
    help: [
      "refuse a checkpoint with another SHA-256 before",
      "anything of it is parsed: one more pass over it",
    ],
  },
  {
    name: "provenance",
    commands: MAKING,
    help: [
      "keep the checkpoint's SHA-256 and size and this",
      "program's version in the metadata: one more pass",
      "over the checkpoint",
    ],
  },
  {
    name: "isolate",
    commands: READING,
    help: [
      "parse in a process that may open no file, start no",
      "program and load no addon (Node's permission model);",
      "only Node 25 and newer keep it off the network. For",
      "hostile files, use a container as well",
    ],
  },
  {
    name: "header",
    value: "HEADER",
    repeatable: true,
    commands: READING,
    help: [
      "sent to the server of a URL, for a token such as",
      "'authorization: Bearer TOKEN'; @FILE takes the lines",
      "of a file, which the list of processes does not show",
    ],
  },
  {
    name: "stall-timeout",
    value: "SECONDS",
    commands: READING,
    help: ["ask a server again that sends nothing for so long", "(default 30; 0 waits for ever)"],
  },
  { name: "dry-run", commands: CONVERT, help: ["show what would be written, and write nothing"] },
  { name: "force", commands: CONVERT, help: ["replace an output that exists"] },
  { name: "json", commands: READING, help: ["print JSON for programs on standard output"] },
  { name: "sarif", commands: ["scan"], help: ["print a SARIF 2.1.0 log, for code scanning"] },
  { name: "quiet", commands: [...MAKING, "scan"], help: ["print nothing but errors"] },
  {
    name: "limit",
    value: "NAME=NUMBER",
    repeatable: true,
    commands: READING,
    help: ["set one of the limits on what the file may ask for;", "an error says which one the file exceeds"],
  },
  { name: "help", short: "h", commands: READING, help: ["show this help"] },
  { name: "version", short: "V", commands: READING, help: ["show the version"] },
]
