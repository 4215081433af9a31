/**
 * What a scan finds out about a file that is no checkpoint. Loaded when one comes along: most files that are scanned are
 * checkpoints. So it orders what there is to do, and leaves the reading of pickles to those who are there already.
 */

import type { MemberTable } from "../../archive/read-zip.ts"
import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import { memorySource } from "../../bytes/sources.ts"
import { isCheckpointError } from "../../errors/checkpoint-error.ts"
import type { ReadingOptions } from "../../torch/checkpoint-contents.ts"
import type { Audit, Layout, LayoutFile, SeenOther } from "../layout.ts"

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

// A pickle in a gzip or zlib stream, as joblib and people write them: its beginning is inflated, and what that names is
// listed. Other compressions (bzip2, xz, lz4, Zstandard) are not looked into.

/** Compressed bytes that are looked at, and bytes that they may inflate to. */
const MOST_STORED_BYTES = 1024 * 1024
const MOST_INFLATED_BYTES = 4 * 1024 * 1024

/** What a stream is called, and what inflates it. */
interface Compression {
  readonly name: "gzip" | "zlib"
  readonly format: "gzip" | "deflate"
}

/** RFC 1952 and RFC 1950: of zlib the first two bytes are a multiple of 31, and the method is 8 with a window of 32 KiB. */
function compressionOf([first = 0, second = 0]: Uint8Array): Compression | undefined {
  if (first === 0x1f && second === 0x8b) return { name: "gzip", format: "gzip" }
  const isZlib = first === 0x78 && (first * 256 + second) % 31 === 0
  return isZlib ? { name: "zlib", format: "deflate" } : undefined
}

/** The beginning of what the stream holds. What is broken or cut ends it. */
async function inflateBeginning(
  source: ByteSource,
  { format }: Compression,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const length = Math.min(source.byteLength, MOST_STORED_BYTES)
  const stored = await readExactly(source, { offset: 0, length }, signal)
  const stream = new Blob([new Uint8Array(stored)]).stream().pipeThrough(new DecompressionStream(format))
  const reader = stream.getReader()
  const bytes = new Uint8Array(MOST_INFLATED_BYTES)
  let filled = 0
  try {
    while (filled < bytes.length) {
      signal?.throwIfAborted()
      const { done, value } = await reader.read()
      if (done) break
      const part = value.subarray(0, bytes.length - filled)
      bytes.set(part, filled)
      filled += part.length
    }
  } catch {
    signal?.throwIfAborted()
  }
  await reader.cancel().catch(() => {})
  return bytes.subarray(0, filled)
}

/** Bytes that are searched at once. */
const WINDOW_BYTES = 1024 * 1024

/** What every archive of torch has a member called, as far as it is torch's: names are never compressed. */
const TORCH_NAMES = ["data.pkl", "constants.pkl"]
const LONGEST_NAME = 16

const BLOCK_BYTES = 512
/** Members of a tar archive whose headers are looked at. */
const MOST_TAR_MEMBERS = 10_000

/** What torch 0.1 put into a tar archive, and opens of it still (`_legacy_load`, torch/serialization.py). */
const TAR_MEMBERS: ReadonlySet<string> = new Set(["pickle", "storages", "tensors"])

/** Headers whose data is the name of the next member, or may be: of GNU and of POSIX. */
const NAMING_TYPES = "LKxg"

/** Whether none of the members is meant as a model. */
function isOrdinaryZip(entries: MemberTable): boolean {
  return !Array.from(entries.values()).some(({ name }) => isModelMember(name))
}

function isModelMember(path: string): boolean {
  return meaningOf(path.slice(path.lastIndexOf("/") + 1)) === "model"
}

/**
 * Whether a zip archive that cannot be read in one way has no name in it that torch would look for. `most` bytes are
 * searched: of a longer file nothing is known.
 */
async function hasNoTorchName(
  source: ByteSource,
  most: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (source.byteLength > most) return false
  for (let offset = 0; offset < source.byteLength; offset += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES + LONGEST_NAME, source.byteLength - offset)
    const text = new TextDecoder("latin1")
      .decode(await readExactly(source, { offset, length }, signal))
      .toLowerCase()
    if (TORCH_NAMES.some((name) => text.includes(name))) return false
  }
  return true
}

/** Whether a tar archive has no member of torch's, and none that is meant as a model. */
async function isOrdinaryTar(source: ByteSource, signal: AbortSignal | undefined): Promise<boolean> {
  let offset = 0
  for (let count = 0; offset + BLOCK_BYTES <= source.byteLength; count++) {
    if (count === MOST_TAR_MEMBERS) return false
    const header = await readExactly(source, { offset, length: BLOCK_BYTES }, signal)
    if (header.every((byte) => byte === 0)) return true
    const name = textAt(header, 0, 100)
    const size = Number.parseInt(textAt(header, 124, 12).trim() || "0", 8)
    // A size in base 256 is of a file above 8 GiB. What comes behind it is not looked for.
    if (!Number.isSafeInteger(size) || size < 0) return false
    if (TAR_MEMBERS.has(name.replace(/^(?:.*\/)/, "")) || isModelMember(name)) return false
    if (
      NAMING_TYPES.includes(textAt(header, 156, 1) || "0") &&
      !(await isOrdinaryName(source, { offset, size }, signal))
    )
      return false
    offset += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
  }
  return true
}

/** The name of the next member, in a header of its own. */
async function isOrdinaryName(
  source: ByteSource,
  { offset, size }: { readonly offset: number; readonly size: number },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const length = Math.min(size, source.byteLength - offset - BLOCK_BYTES)
  if (length > WINDOW_BYTES) return false
  const text = textAt(await readExactly(source, { offset: offset + BLOCK_BYTES, length }, signal), 0, length)
  return text
    .split(/[\n\0=]/)
    .every((name) => !TAR_MEMBERS.has(name.replace(/^(?:.*\/)/, "")) && !isModelMember(name))
}

/** Up to the first NUL, or to the end of the field. */
function textAt(bytes: Uint8Array, start: number, length: number): string {
  return new TextDecoder("latin1").decode(bytes.subarray(start, start + length)).replace(/\0[\s\S]*$/, "")
}

// What a file's name says: whether it was meant as a model, whatever it holds.

/**
 * `model`: it has an ending that only checkpoints and pickles have. `ambiguous`: an ending that checkpoints have, and other
 * files too. `other`: none of these.
 */
type NameMeaning = "model" | "ambiguous" | "other"

/**
 * Endings of torch, of pickle and joblib, and of what is made of them. Scanners go by the same ones (picklescan,
 * modelscan). `.dat` and `.data` are none: too much else is called so.
 */
const MODEL =
  /\.(?:pt|pth|pt2|pth2|pte|ptl|ckpt|th|tor|torch|jit|pkl|pickle|pck|pcl|p|joblib|jbl|dill|cpkl|cloudpickle|safetensors|sft|mar|nemo|pth\.tar|pt\.tar|ckpt\.tar)$/

/** Raw data and tokenizers are called so as well. */
const AMBIGUOUS = /\.(?:bin|model)$/

/** What compresses a file, keeps an older one or one that is not whole adds to its name. */
const ADDED =
  /\.(?:gz|gzip|bz2|xz|lzma|z|zz|zlib|zst|zstd|lz4|sz|br|zip|7z|bak|backup|old|orig|tmp|temp|part|partial|incomplete|crdownload|download|[0-9]{1,4})$/

/** Endings that are taken off one after the other. */
const MOST_ADDED = 3

/** What the name of a file, without its folders, means. Only its ending counts, in any case. */
function meaningOf(name: string): NameMeaning {
  let rest = name.toLowerCase()
  for (let taken = 0; taken <= MOST_ADDED; taken++) {
    if (MODEL.test(rest)) return "model"
    if (AMBIGUOUS.test(rest)) return "ambiguous"
    if (!ADDED.test(rest)) break
    rest = rest.replace(ADDED, "")
  }
  return "other"
}
