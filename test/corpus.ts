/** The corpus that the oracle writes: inputs, and what the reference makes of them. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { ConvertOptions, ErrorCode, UnreferencedBytes } from "../src/index.ts"

/** One case of a manifest.json; see test/oracle/README.md. */
export interface CorpusCase {
  readonly name: string
  readonly group: string
  readonly input: string
  readonly expected?: string
  readonly error?: ErrorCode
  readonly errorMentions?: readonly string[]
  readonly options?: ConvertOptions
  /** What the report must say of bytes that belong to no written tensor. */
  readonly unreferenced?: Partial<UnreferencedBytes>
  /** The root that the rule must find. */
  readonly root?: readonly string[]
  readonly source: string
}

/** The cases of a folder. */
export function readManifest(folder: string): readonly CorpusCase[] {
  return JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"))
}

export function readCorpusFile(folder: string, name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, name)))
}
