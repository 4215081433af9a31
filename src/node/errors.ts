/** Errors of files. */

import { type ErrorRow, sayPath } from "../errors/error-row.ts"

/** The output has a name that is taken. */
export const OUTPUT_EXISTS: ErrorRow<"output-exists", { path: string }> = {
  code: "output-exists",
  say: (d) => `the output${sayPath(d.path)} exists already`,
  next: "Name another output, or allow overwriting (`overwrite: true`).",
}

/** Writing the output would destroy the input. */
export const OUTPUT_IS_INPUT: ErrorRow<"output-is-input", { path: string }> = {
  code: "output-is-input",
  say: (d) => `the output${sayPath(d.path)} is the input itself`,
  next: "Name another output.",
}

/** The input does not have the SHA-256 that was asked for. Both are in lower case. */
export const DIGEST_MISMATCH: ErrorRow<
  "digest-mismatch",
  { path?: string; expected: string; actual: string }
> = {
  code: "digest-mismatch",
  say: (d) => `the input${sayPath(d.path)} is not the file that was asked for: its SHA-256 is
  ${d.actual}, not
  ${d.expected}`,
  next: "The input was not parsed. Fetch it again, or ask whoever published the digest which file it belongs to.",
}
