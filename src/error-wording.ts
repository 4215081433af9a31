/** What the texts of errors are put together from. */

import type { Fault } from "./error-details.ts"
import { plainText, quoteText } from "./quote-text.ts"

/** What an error says, and what its reader can do next. */
export interface ErrorText<Detail> {
  readonly say: (detail: Detail) => string
  readonly next: string
}

/** Rows of a list that a message shows before it says "and N more". */
const LISTED = 20

/** One item a row. */
export function list<Item>(items: readonly Item[], show: (item: Item) => string): string {
  const shown = items.slice(0, LISTED).map((item) => `\n  ${show(item)}`)
  return shown.join("") + (items.length > LISTED ? `\n  … and ${items.length - LISTED} more` : "")
}

/** Where something is, with a colon; nothing when that is not known. */
export function place({ within, at }: { readonly within?: string; readonly at?: number }): string {
  const file = within === undefined ? "" : plainText(within)
  if (at === undefined) return file === "" ? "" : `${file}: `
  return file === "" ? `at byte ${at}: ` : `${file}@${at}: `
}

/** A path in quotation marks after a space; nothing when there is none. */
export function sayPath(path: string | undefined): string {
  return path === undefined ? "" : ` ${quoteText(path)}`
}

/** Longest message of another program that is passed on, in UTF-16 units. */
const REASON_UNITS = 500

/** What another program says of its failure, a server or the system: safe to show. */
export function foreignReason(cause: unknown): string {
  return plainText(cause instanceof Error ? cause.message : String(cause), REASON_UNITS)
}

/** A problem and where it is. */
export function sayFault(fault: Fault): string {
  return place(fault) + fault.problem
}
