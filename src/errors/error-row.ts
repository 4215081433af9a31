/** What each room's file errors.ts is made of: one row a code, with what it means, carries and says. */

import { plainText, quoteText } from "../text/quote-text.ts"

/** A fault at a place: `within` names the file or archive member, `at` is a byte offset in it. */
export interface Fault {
  readonly within?: string
  readonly at?: number
  readonly problem: string
}

/** One kind of error. Its comment says what it means, its type what it carries. */
export interface ErrorRow<Code extends string = string, Detail = never> {
  readonly code: Code
  /** What is wrong. Where it is (`within`, `at`) is said before by the error itself. Default: `problem`. */
  readonly say?: (detail: Detail) => string
  /** What the reader can do about it, a sentence or two. */
  readonly next: string
}

/** An error that carries a fault and nothing more. */
export type FaultRow<Code extends string> = ErrorRow<Code, Fault>

/** What to do about bytes that no writer has written so. */
export const DAMAGED =
  "The file is damaged or was not written by torch.save: fetch it again, or ask for a new copy."

/** What to do about what does not come about by accident. */
export const CRAFTED =
  "No PyTorch release writes this. Treat the file as hostile unless you know who made it and how."

/** Rows of a list that a message shows before it says "and N more". */
const LISTED = 20

/** One item a row. */
export function list<Item>(items: readonly Item[], show: (item: Item) => string): string {
  const shown = items.slice(0, LISTED).map((item) => `\n  ${show(item)}`)
  return shown.join("") + (items.length > LISTED ? `\n  … and ${items.length - LISTED} more` : "")
}

/** A path in quotation marks after a space; nothing when there is none. */
export function sayPath(path: string | undefined): string {
  return path === undefined ? "" : ` ${quoteText(path)}`
}

/** `no tensor`, `1 tensor`, `2 tensors`. */
export function countedTensors(count: number): string {
  return count === 0 ? "no tensor" : count === 1 ? "1 tensor" : `${count} tensors`
}

/** Longest message of another program that is passed on, in UTF-16 units. */
const REASON_UNITS = 500

/** What another program says of its failure, a server or the system: safe to show. */
export function foreignReason(cause: unknown): string {
  return plainText(cause instanceof Error ? cause.message : String(cause), REASON_UNITS)
}
