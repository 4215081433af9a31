/** What is said of an error besides its message, and what it happened to. */

import type { CommandLine } from "./arguments.ts"

/** What is printed below an error. */
export interface Advice {
  /** What was found out besides. */
  readonly notes?: readonly string[]
  readonly next: string
  /** In order. Each can be pasted into a shell of POSIX as it is. */
  readonly commands?: readonly string[]
}

/** What an error happened to. */
export interface Subject {
  readonly line: CommandLine
  /** The file as the command line names it. */
  readonly file: string
  /** Its path where it is a file on this computer that may be looked at; undefined for URLs, pipes and isolated processes. */
  readonly path: string | undefined
}
