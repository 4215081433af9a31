/**
 * What a scan finds out about a file that is no checkpoint. Loaded when one comes along: most files that are scanned are
 * checkpoints. So it orders what there is to do, and leaves the reading of pickles to those who are there already.
 */

import type { MemberTable } from "../../archive/read-zip.ts"
import type { ByteSource } from "../../bytes/byte-source.ts"
import { memorySource } from "../../bytes/memory-source.ts"
import { isCheckpointError } from "../../errors/checkpoint-error.ts"
import type { ReadingOptions } from "../../torch/checkpoint-contents.ts"
import type { Audit, Layout, LayoutFile, SeenOther } from "../layout.ts"
import { compressionOf, inflateBeginning } from "./compressed-pickle.ts"
import { meaningOf, type NameMeaning } from "./model-names.ts"
import { hasNoTorchName, isOrdinaryTar, isOrdinaryZip } from "./ordinary-archives.ts"

/** Lists the pickles that a file without a container is; notes what any other is, or looks like. `refuse` says it. */
export async function auditOther(
  file: LayoutFile,
  options: ReadingOptions,
  audit: Audit,
  refuse: Layout["open"],
): Promise<undefined> {
  const meaning = meaningOf(file.store.name)
  const what = await evidentWords(file, meaning)
  if (await audit.isPickle(file.source, meaning === "model" && what === undefined)) {
    audit.format = "pickle"
    return audit.runPickles(file.source)
  }
  audit.format = "unknown"
  if (await listCompressed(file, audit, options.signal)) return undefined
  if (what === undefined) return refuseOrNote(file, options, audit, refuse)
  audit.addOther(other(what, meaning === "model" ? "other" : meaning))
  return undefined
}

/** Notes that a tar archive is one of other files, unless torch may open it, it holds models, or it is something else too. */
export async function auditTar(
  file: LayoutFile,
  options: ReadingOptions,
  audit: Audit,
  refuse: Layout["open"],
): Promise<undefined> {
  const { under, source, store } = file
  const meaning = meaningOf(store.name)
  const isOther = (under.format === "tar" || under.format === "unknown") && meaning !== "model"
  if (!isOther || !(await isOrdinaryTar(source, options.signal)))
    return refuseOrNote(file, options, audit, refuse)
  audit.addOther(other("a tar archive of other files", meaning))
  return undefined
}

/** Of what no name says that it is meant as a model, it is noted what it looks like. */
async function refuseOrNote(
  file: LayoutFile,
  options: ReadingOptions,
  audit: Audit,
  refuse: Layout["open"],
): Promise<undefined> {
  audit.requireTold(file)
  await refuse(file, options).catch((error: unknown) => {
    const isOther = isCheckpointError(error) && error.code === "not-a-checkpoint"
    if (!isOther || meaningOf(file.store.name) !== "other") throw error
    audit.addOther(error)
  })
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
): Promise<SeenOther | undefined> {
  const meaning = meaningOf(name)
  if (meaning === "model" || (entries === undefined && meaning === "ambiguous")) return undefined
  const isOther = entries === undefined ? await hasNoTorchName(source, most, signal) : isOrdinaryZip(entries)
  return isOther ? other("a zip archive of other files", meaning) : undefined
}

/** What the file is by its own word, where that and its name go together. */
async function evidentWords({ head, store }: LayoutFile, meaning: NameMeaning): Promise<string | undefined> {
  const { evidentFile, isPathFile, isTokenList } = await import("./describe-file.ts")
  if (meaning === "model")
    return /\.pth$/i.test(store.name) && isPathFile(head) ? "a path file of Python's site module" : undefined
  if (meaning === "ambiguous" && isTokenList(head)) return "a list of tokens (tiktoken)"
  return evidentFile(head)
}

/** How much a file that is no checkpoint matters: nothing, or it has a name that checkpoints have as well. */
function other(what: string, meaning: NameMeaning): SeenOther {
  return { what, severity: meaning === "other" ? "note" : "warning" }
}

/**
 * Lists what the pickle in a compressed stream names, as far as it was inflated; false where there is none. Whoever unpacks
 * it may load it, and joblib does.
 */
async function listCompressed(
  { source, head }: LayoutFile,
  audit: Audit,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const compression = compressionOf(head)
  if (compression === undefined) return false
  const bytes = await inflateBeginning(source, compression, signal)
  if (bytes.byteLength === 0 || !(await audit.isPickle(memorySource(bytes), false))) return false
  const { name } = compression
  await audit.list({ name: `pickle in the ${name} stream`, bytes, start: 0, fileOffset: undefined })
  audit.add({
    severity: "error",
    code: "compressed-pickle",
    message: `this is a ${name} stream with a pickle in it, of which the beginning was looked at`,
    nextStep: "Unpack it, and scan what comes out.",
  })
  return true
}
