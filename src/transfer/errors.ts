/** Errors of carrying out a plan. */

import type { ErrorRow } from "../errors/error-row.ts"

/** Fewer or more bytes were written than the plan has. */
export const OUTPUT_INCOMPLETE: ErrorRow<"output-incomplete", { expected: number; written: number }> = {
  code: "output-incomplete",
  say: (d) => `${d.written} bytes were written where the plan has ${d.expected}`,
  next: "This is a defect of tosafetensors: please report it with the file's structure.",
}

/** Bytes of a Blob that are no slices of the input are more than may be held in memory, and there is no room elsewhere. */
export const BLOB_MEMORY: ErrorRow<"blob-memory", { wanted: number; allowed: number; reason: string }> = {
  code: "blob-memory",
  say: (d) =>
    `${d.wanted} bytes of the Blob must be created, more than \`maxMemoryBytes\` (${d.allowed}), and they cannot be ` +
    `written to a file: ${d.reason}`,
  next: "Convert to a file or stream (`toSafetensors`), free storage, or raise `maxMemoryBytes`.",
}
