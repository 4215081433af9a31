/**
 * The errors of whatever only reads, with their texts. The table of error-texts.ts has these rows too; they stand here
 * alone so that a page that reads headers need not fetch the texts of all other errors.
 */

import { BrandedError, type BrandedErrorOptions } from "./branded-error.ts"
import type { ErrorDetails, Fault, HeaderFinding } from "./error-details.ts"
import { type ErrorText, foreignReason, list, place, sayFault, sayPath } from "./error-wording.ts"
import { quoteText } from "./quote-text.ts"

/** Codes of errors that reading ends in, whatever is read. */
type ReadingCode =
  | "invalid-argument"
  | "read-failed"
  | "input-changed"
  | "truncated"
  | "inflate"
  | "safetensors-invalid"

/** What to do about bytes that no writer has written so. */
export const DAMAGED =
  "The file is damaged or was not written by torch.save: fetch it again, or ask for a new copy."

export const INVALID_ARGUMENT: ErrorText<ErrorDetails["invalid-argument"]> = {
  say: (d) => `${d.argument}: ${d.problem}`,
  next: "Correct the argument; the documentation of the function lists what it takes.",
}

export const READ_FAILED: ErrorText<ErrorDetails["read-failed"]> = {
  say: (d) => `could not read${sayPath(d.path)}: ${d.reason}`,
  next: "Check that the input exists and can be read.",
}

export const INPUT_CHANGED: ErrorText<Fault> = {
  say: sayFault,
  next: "Convert again when nothing writes to the input any more.",
}

export const TRUNCATED: ErrorText<ErrorDetails["truncated"]> = {
  say: (d) => `${place(d)}the file ends early: ${d.wanted} bytes wanted, ${d.got} there`,
  next: "The download or copy is incomplete: fetch the file again and compare its size.",
}

export const INFLATE: ErrorText<Fault> = { say: sayFault, next: DAMAGED }

export const SAFETENSORS_INVALID: ErrorText<ErrorDetails["safetensors-invalid"]> = {
  say: (d) => `this is not a valid safetensors file:${list(d.findings, sayFinding)}`,
  next: "Make the file again with a writer that follows the format.",
}

const TEXTS: { readonly [C in ReadingCode]: ErrorText<ErrorDetails[C]> } = {
  "invalid-argument": INVALID_ARGUMENT,
  "read-failed": READ_FAILED,
  "input-changed": INPUT_CHANGED,
  truncated: TRUNCATED,
  inflate: INFLATE,
  "safetensors-invalid": SAFETENSORS_INVALID,
}

function sayFinding({ tensor, problem, severity, rule }: HeaderFinding): string {
  const name = tensor === undefined ? "" : `${quoteText(tensor)}: `
  return `${name}${problem} [${severity === "warning" ? "warning: " : ""}${rule}]`
}

/** As `CheckpointError`, for these codes alone. */
export class ReadingError<C extends ReadingCode = ReadingCode> extends BrandedError<C> {
  /** What Node prints before the message. */
  static override readonly name = "CheckpointError"

  constructor(code: C, detail: ErrorDetails[C], options?: BrandedErrorOptions) {
    super(code, TEXTS[code], detail, options)
  }
}

/** What the caller passed as `argument` will not do. */
export function invalidArgument(argument: string, problem: string): ReadingError {
  return new ReadingError("invalid-argument", { argument, problem })
}

/** The source threw `cause`. */
export function readFailed(cause: unknown): ReadingError {
  return new ReadingError("read-failed", { reason: foreignReason(cause) }, { cause })
}

/** There are `got` bytes at the offset `at` of `within` where `wanted` are needed. */
export function truncated(
  within: string | undefined,
  at: number,
  wanted: number,
  got: number,
): ReadingError<"truncated"> {
  return new ReadingError("truncated", { ...(within === undefined ? {} : { within }), at, wanted, got })
}
