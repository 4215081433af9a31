/** Errors of safetensors files, and of names that a header cannot hold. */

import { type ErrorRow, list } from "../errors/error-row.ts"
import { quoteText } from "../text/quote-text.ts"

/** A tensor, and what is wrong with its name. */
export interface NameFault {
  readonly name: string
  readonly problem: string
}

/** `tensor "a": two tensors have this name`. */
export function sayName({ name, problem }: NameFault): string {
  return `tensor ${quoteText(name)}: ${problem}`
}

/** A name is no text that UTF-8 can hold, or a longer one than the format allows. */
export const NAME_ENCODING: ErrorRow<"name-encoding", NameFault> = {
  code: "name-encoding",
  say: sayName,
  next: "Give it another name (`rename`) or leave it out (`exclude`).",
}

/** The format keeps this name for its metadata. */
export const NAME_RESERVED: ErrorRow<"name-reserved", NameFault> = {
  code: "name-reserved",
  say: sayName,
  next: "Give it another name (`rename`) or leave it out (`exclude`).",
}

/** Two tensors would have this name. */
export const NAME_DUPLICATE: ErrorRow<"name-duplicate", NameFault> = {
  code: "name-duplicate",
  say: sayName,
  next: "Choose a narrower root (`root`), rename one of them (`rename`) or leave one out (`exclude`).",
}

/** One rule that a safetensors file breaks, or one oddity that readers put up with. */
export interface HeaderFinding {
  readonly rule: string
  /** An error makes the file invalid; a warning does not. */
  readonly severity: "error" | "warning"
  /** The tensor it concerns, when it concerns one. */
  readonly tensor?: string
  /** Byte offset in the file, when there is one. */
  readonly at?: number
  readonly problem: string
}

/** A safetensors file breaks rules of the format. */
export const SAFETENSORS_INVALID: ErrorRow<"safetensors-invalid", { findings: readonly HeaderFinding[] }> = {
  code: "safetensors-invalid",
  say: (d) => `this is not a valid safetensors file:${list(d.findings, sayFinding)}`,
  next: "Make the file again with a writer that follows the format.",
}

function sayFinding({ tensor, problem, severity, rule }: HeaderFinding): string {
  const name = tensor === undefined ? "" : `${quoteText(tensor)}: `
  return `${name}${problem} [${severity === "warning" ? "warning: " : ""}${rule}]`
}
