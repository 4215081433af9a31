/** What the rows of the two tables of dangers are made of. */

/**
 * Modules and names are separated by blanks. A module covers what lies below it too. Names are:
 * `*`, everything; `a b`, these and what lies below them; `a.`, only what lies below `a`; `!a b`, all but these and what
 * lies below them.
 */
export type DangerRow = readonly [modules: string, names: string, reason: string, source: string]

export const ANY = "*"
export const RUNS_CODE = "runs Python code"
export const IMPORTS = "imports any module"
export const REACHES = "can get any function by its name"
export const CALLS = "calls the function it is given"
export const PROGRAMS = "runs programs, or changes files and the process"
export const FILES = "reads or writes files"
export const NETWORK = "opens network connections"
export const LOADS = "loads another pickle, without restrictions"
export const INSTALLS = "installs code"
export const NATIVE = "loads or calls native code"
export const WAITS = "stops the program, or waits for input"

/* @__NO_SIDE_EFFECTS__ */
export function python(page: string): string {
  return `docs.python.org/3/library/${page}`
}
