/**
 * What is found out about a file that is no checkpoint. Loaded when one comes along: most files that are scanned are
 * checkpoints. So it says what it finds, and leaves the reading of pickles and the report to those who are there already.
 */

import type { MemberTable } from "../archive/member-table.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { compressionOf, inflateBeginning } from "./compressed-pickle.ts"
import type { NameMeaning } from "./model-names.ts"
import { meaningOf } from "./model-names.ts"
import { hasNoTorchName, isOrdinaryTar, isOrdinaryZip } from "./ordinary-archives.ts"
import { isPathFile, isTokenList, otherFileOf } from "./other-files.ts"

/** How much a file that is no checkpoint matters: nothing, or it has a name that checkpoints have as well. */
export type OtherSeverity = "note" | "warning"

/** Some other file. */
export interface OtherFile {
  readonly what: string
  readonly severity: OtherSeverity
}

/** The beginning of a compressed stream. */
export interface InflatedBeginning {
  readonly compression: string
  readonly bytes: Uint8Array
}

/** Whether the name says that the file was meant as a model, or may say so. */
export function nameMeaning(name: string): NameMeaning {
  return meaningOf(name)
}

/** Whether a file that has no container would be loaded as a pickle by whoever goes by its name. */
export function isMeantAsPickle(head: Uint8Array, name: string): boolean {
  return meaningOf(name) === "model" && wordsFor(head, name, "model") === undefined
}

/** A tar archive of other files; undefined for one that torch may open, or that holds models. */
export async function findOtherTar(
  source: ByteSource,
  name: string,
  signal: AbortSignal | undefined,
): Promise<OtherFile | undefined> {
  const meaning = meaningOf(name)
  if (meaning === "model" || !(await isOrdinaryTar(source, signal))) return undefined
  return other("a tar archive of other files", meaning)
}

/** A zip archive that no checkpoint could be read from. */
export interface ZipInQuestion {
  readonly source: ByteSource
  readonly name: string
  /** Undefined when it could not be read at all. */
  readonly entries: MemberTable | undefined
}

/** A zip archive of other files. Of one that could not be read, at most `most` bytes are searched. */
export async function findOtherZip(
  { source, name, entries }: ZipInQuestion,
  most: number,
  signal: AbortSignal | undefined,
): Promise<OtherFile | undefined> {
  const meaning = meaningOf(name)
  if (meaning === "model" || (entries === undefined && meaning === "ambiguous")) return undefined
  const isOther = entries === undefined ? await hasNoTorchName(source, most, signal) : isOrdinaryZip(entries)
  return isOther ? other("a zip archive of other files", meaning) : undefined
}

/** What the file is by its own word, where that and its name go together. */
export function findOtherFile(head: Uint8Array, name: string): OtherFile | undefined {
  const meaning = meaningOf(name)
  const what = wordsFor(head, name, meaning)
  return what === undefined ? undefined : other(what, meaning === "model" ? "other" : meaning)
}

function wordsFor(head: Uint8Array, name: string, meaning: NameMeaning): string | undefined {
  if (meaning === "model")
    return /\.pth$/i.test(name) && isPathFile(head) ? "a path file of Python's site module" : undefined
  if (meaning === "ambiguous" && isTokenList(head)) return "a list of tokens (tiktoken)"
  return otherFileOf(head)
}

function other(what: string, meaning: NameMeaning): OtherFile {
  return { what, severity: meaning === "other" ? "note" : "warning" }
}

/** The beginning of what is in a compressed stream, where that can be looked into. */
export async function inflateCompressed(
  source: ByteSource,
  head: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<InflatedBeginning | undefined> {
  const compression = compressionOf(head)
  if (compression === undefined) return undefined
  const bytes = await inflateBeginning(source, compression, signal)
  return bytes.byteLength === 0 ? undefined : { compression: compression.name, bytes }
}
