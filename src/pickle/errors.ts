/** Errors of pickles: opcodes that cannot be carried out, and globals that are not allowed. */

import { CRAFTED, countedTensors, DAMAGED, type ErrorRow, type FaultRow, list } from "../errors/error-row.ts"
import { plainText, quoteText } from "../text/quote-text.ts"

/** The pickle is of a protocol that is not read, or opcodes of a later one than it declares. */
export const PICKLE_PROTOCOL: FaultRow<"pickle-protocol"> = {
  code: "pickle-protocol",
  next: "torch.save writes protocol 2 unless it is told otherwise. If you know who made the file, have it saved again.",
}

/** A byte is no opcode, or one that is not carried out. */
export const PICKLE_OPCODE: FaultRow<"pickle-opcode"> = {
  code: "pickle-opcode",
  next: "torch.save does not write this opcode. Ask whoever made the file for one that torch.save wrote.",
}

/** The pickle ends within an opcode, or before its STOP. */
export const PICKLE_TRUNCATED: FaultRow<"pickle-truncated"> = { code: "pickle-truncated", next: DAMAGED }
/** Text or a number is not written as Python writes it. */
export const PICKLE_TEXT: FaultRow<"pickle-text"> = { code: "pickle-text", next: CRAFTED }
/** An opcode finds less on the stack than it needs, or the end leaves more than one value. */
export const PICKLE_STACK: FaultRow<"pickle-stack"> = { code: "pickle-stack", next: CRAFTED }
/** An opcode finds a value of another type than it needs. */
export const PICKLE_TYPE: FaultRow<"pickle-type"> = { code: "pickle-type", next: CRAFTED }
/** A memo entry is asked for that was never stored. */
export const PICKLE_MEMO: FaultRow<"pickle-memo"> = { code: "pickle-memo", next: CRAFTED }
/** Bytes follow the pickle where none belong. */
export const PICKLE_TRAILING: FaultRow<"pickle-trailing"> = { code: "pickle-trailing", next: CRAFTED }
/** A container contains itself. */
export const PICKLE_CYCLE: FaultRow<"pickle-cycle"> = { code: "pickle-cycle", next: CRAFTED }

/**
 * What is known of a global that is not allowed: `dangerous` when it is known to run code, to reach the system or to read
 * other data, `unknown` otherwise.
 */
export interface GlobalKnowledge {
  readonly verdict: "dangerous" | "unknown"
  /** What makes a dangerous one dangerous, and where that is written down. */
  readonly danger: { readonly reason: string; readonly source: string } | undefined
  /** What an unknown one is, where that is known, and where it is written down. */
  readonly about: { readonly what: string; readonly source: string } | undefined
}

/** A global that a pickle names and the machine does not know. */
export interface RefusedGlobal extends GlobalKnowledge {
  /** Module and name, joined by a dot, as the pickle writes them. */
  readonly global: string
  readonly module: string
  readonly name: string
  /** The pickle that names it. */
  readonly pickle: string
  /** Byte offset of the opcode in that pickle. */
  readonly at: number
  /** What the pickle does with it: calls it, builds an object of it, or only mentions it. */
  readonly use: "called" | "instantiated" | "mentioned"
  /** Where in the saved object it (or what it would have made) is found, dotted; undefined when nowhere. */
  readonly referredToBy: string | undefined
  /** Tensors in what it would have made. */
  readonly tensorCount: number
  /** The tensor that what it would have made is a part of, in words, where it is one that torch saves by such parts. */
  readonly partOf: string | undefined
}

/** What to do about a file that names a dangerous global: wherever that is told, in these words. */
export const NEXT_AT_DANGER: string =
  "Do not load the file with Python: torch.load without weights_only, or pickle, may run what it names. Ask its " +
  "author for a safetensors file, or replace it."

/** What to do about tensors that were saved by parts which are not rebuilt. */
export const NEXT_AT_PARTS: string =
  "Only tensors and plain data are rebuilt. Where the model was made, move these tensors to the CPU or make plain ones " +
  "of them, and save them again."

/** What to do about globals of which nothing bad is known. */
export const NEXT_AT_UNKNOWN: string =
  "Only tensors and plain data are rebuilt. Ask whoever made the file for its state_dict() alone, as safetensors or " +
  "saved with torch.save."

/** The pickle names functions or classes other than those that rebuild tensors and plain data. */
export const GLOBAL_NOT_ALLOWED: ErrorRow<"global-not-allowed", { globals: readonly RefusedGlobal[] }> = {
  code: "global-not-allowed",
  say: ({ globals }) =>
    `the pickle names ${sayCount(globals)}; nothing was executed:${list(globals, sayRefused)}`,
  next: NEXT_AT_UNKNOWN,
}

function sayCount(globals: readonly RefusedGlobal[]): string {
  const { length } = globals
  const dangerous = globals.filter(({ verdict }) => verdict === "dangerous").length
  if (dangerous === 0) {
    return `${length === 1 ? "a global that is" : `${length} globals that are`} not known to be harmless`
  }
  if (dangerous === length) return length === 1 ? "a dangerous global" : `${length} dangerous globals`
  return `${length} globals that are not allowed, ${dangerous} of them dangerous`
}

/** `dangerous  os.system: runs programs (its source); called at data.pkl@2, found under "callbacks"`. */
function sayRefused(refused: RefusedGlobal): string {
  const { verdict, global, danger, about, use, pickle, at, referredToBy, tensorCount, partOf } = refused
  const known = danger === undefined ? about?.what : `${danger.reason} (${danger.source})`
  const tensors = partOf === undefined ? `, ${countedTensors(tensorCount)} in it` : ""
  const found = referredToBy === undefined ? "" : `, found under ${quoteText(referredToBy)}${tensors}`
  // Words of ours: what they quote of the file is escaped and cut already.
  const part = partOf === undefined ? "" : `, a part of ${partOf}`
  return (
    `${verdict}  ${plainText(global)}${known === undefined ? "" : `: ${known}`}; ` +
    `${use} at ${plainText(pickle)}@${at}${found}${part}`
  )
}
