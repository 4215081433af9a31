/** The rows of reference-headers.jsonl, which make-reference-headers.py makes with safetensors 0.8.0. */

import { readFileSync } from "node:fs"
import type { HeaderTensor } from "../../src/safetensors/write-header.ts"

/** Tensors, and the header that the reference writes for them. */
export interface ReferenceHeader {
  readonly name: string
  readonly tensors: readonly HeaderTensor[]
  readonly metadata: Readonly<Record<string, string>> | null
  readonly header: string
}

/** A whole file, and the reference reader's error. */
export interface ReferenceFile {
  readonly name: string
  readonly file: string
  readonly error: string | null
}

const rows: readonly (ReferenceHeader | ReferenceFile)[] = readFileSync(
  new URL("reference-headers.jsonl", import.meta.url),
  "utf8",
)
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line))

export const REFERENCE_HEADERS: readonly ReferenceHeader[] = rows.filter((row) => "header" in row)
export const REFERENCE_FILES: readonly ReferenceFile[] = rows.filter((row) => "file" in row)

/** The bytes of a base64 text. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"))
}
