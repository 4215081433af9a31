/**
 * What a file is that cannot be read as a checkpoint, and what to do about it: more than its first bytes tell, where a
 * few reads more tell it. Loaded when it is needed: what is opened is a checkpoint, most of the time.
 */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import type { ErrorDetails } from "../../errors/all-errors.ts"
import { CheckpointError, isCheckpointError } from "../../errors/checkpoint-error.ts"
import { plainText, quoteText } from "../../text/quote-text.ts"
import {
  type HeldFile,
  HOLDS_CHECKPOINTS,
  NOT_A_CHECKPOINT,
  UNSUPPORTED_LAYOUT,
  ZIP_LAYOUT,
  ZIP_SIGNATURE,
} from "../../torch/errors.ts"
import type { LayoutFile, LoadedParts } from "../layout.ts"
import { listTarFiles } from "../tar/tar-headers.ts"
import { describeBarePickle, type Likeness, likeness, looksLike } from "./signatures.ts"

/** A scan asks for these too, which loads this file with its own. */
export { evidentFile, isPathFile, isTokenList } from "./signatures.ts"

/** Of an index of shards so much is looked at: each of its names takes some 80 bytes. */
const MOST_INDEX_BYTES = 4 * 1024 * 1024
const MOST_SHARDS = 100
const SHARD = /:\s*"([^"\\]{1,255}\.(?:bin|pt|pth|ckpt|safetensors))"/g

/** How many bytes of a Git LFS pointer are looked at, which has 130. */
const POINTER_BYTES = 512

/** Members of a checkpoint of torch 0.1, to which torch.load looks (torch 0.1.12, `serialization.py`). */
const TAR_MEMBERS = ["sys_info", "pickle", "storages", "tensors"]

/** What a file is that is neither an archive nor a checkpoint. */
export async function describeOther(file: LayoutFile, parts: LoadedParts): Promise<CheckpointError> {
  const { source, head } = file
  const replaced = await findReplacedSignature(source, head, parts)
  if (replaced !== undefined) return replaced
  const like = looksLike(head, source.byteLength)
  if (like.kind === "lfs-pointer") return describePointer(source, head)
  return like.kind === "json" ? describeJson(source, like, parts.signal) : notCheckpoint(like)
}

/** What a pickle is that stands in no checkpoint, unless it is an archive with a pickle before it. */
export async function describePickle(
  { source, head }: LayoutFile,
  parts: LoadedParts,
): Promise<CheckpointError> {
  const replaced = await findReplacedSignature(source, head, parts)
  return replaced ?? notCheckpoint(await describeBarePickle(source, parts))
}

export async function describeSafetensors(): Promise<CheckpointError> {
  return notCheckpoint(likeness("safetensors", "a safetensors file already"))
}

/** What to refuse a zip archive with whose files are `files`, and which is no checkpoint because of `problem`. */
export function describeArchive(files: readonly HeldFile[], problem: string): CheckpointError {
  const { what, files: checkpoints, count, isNumpy } = holdingOf(files)
  const folder = unpackedFolder(files)
  if (count > 0) return holding("zip", what ?? "a zip archive", checkpoints, count)
  if (folder !== undefined) {
    const place = folder === "" ? "in no folder" : `in the folder ${quoteText(folder.slice(0, -1))}`
    return new CheckpointError(
      ZIP_LAYOUT,
      {
        problem: `the archive has the files of a checkpoint ${place}, where torch.load does not look for them`,
        folder,
      },
      {
        nextStep:
          "Unpack it, and pack data.pkl and what lies beside it again, in one folder at the top of the archive.",
      },
    )
  }
  if (isNumpy) return notCheckpoint(likeness("numpy", "NumPy arrays (.npz)"))
  if (what !== undefined) return notCheckpoint(likeness("archive", what))
  return new CheckpointError(ZIP_LAYOUT, { problem })
}

/** What a tar archive is: a checkpoint of torch 0.1, an archive of checkpoints, or of other files. */
export async function describeTar({ source }: LayoutFile, { signal }: LoadedParts): Promise<CheckpointError> {
  const files = await listTarFiles(source, signal)
  const [first] = files
  if (first === undefined || files.some(({ name }) => TAR_MEMBERS.includes(name))) {
    return new CheckpointError(
      UNSUPPORTED_LAYOUT,
      {
        layout: "a tar checkpoint of torch 0.1",
        problem: "this layout has not been written since 2017 and is not read",
      },
      {
        nextStep:
          "Ask whoever published it for a file of a newer torch. torch.load reads this one without weights_only alone, " +
          "which runs what its pickles name.",
      },
    )
  }
  const { what = "a tar archive", files: checkpoints, count } = holdingOf(files)
  if (count > 0) return holding("tar", what, checkpoints, count)
  const words = `${what} of other files, ${quoteText(first.name)} first`
  return notCheckpoint(likeness("archive", words))
}

function holding(
  container: "zip" | "tar",
  what: string,
  files: readonly HeldFile[],
  count: number,
): CheckpointError {
  return new CheckpointError(HOLDS_CHECKPOINTS, { container, what, files, count })
}

function notCheckpoint(
  { looksLike: words, kind, nextStep }: Likeness,
  more: Partial<ErrorDetails["not-a-checkpoint"]> = {},
): CheckpointError {
  return new CheckpointError(NOT_A_CHECKPOINT, { looksLike: words, kind, ...more }, { nextStep })
}

/** The keys and values of the file's lines (git-lfs, `docs/spec.md`). */
function describePointer(source: ByteSource, head: Uint8Array): CheckpointError {
  const text = latin1(head.subarray(0, POINTER_BYTES))
  const sha256 = /^oid sha256:([0-9a-f]{64})\r?$/m.exec(text)?.[1]
  const size = /^size ([0-9]{1,15})\r?$/m.exec(text)?.[1]
  const itself = size === undefined ? "the file itself" : `the file itself, of ${size} bytes,`
  const like = likeness(
    "lfs-pointer",
    `a Git LFS pointer: ${itself} was not downloaded, but ${source.byteLength} bytes of text`,
  )
  if (sha256 === undefined || size === undefined) return notCheckpoint(like)
  return notCheckpoint(like, { pointsTo: { sha256, byteLength: Number(size) } })
}

/** An index of shards, or the settings of a model. */
async function describeJson(
  source: ByteSource,
  like: Likeness,
  signal?: AbortSignal,
): Promise<CheckpointError> {
  const length = Math.min(source.byteLength, MOST_INDEX_BYTES)
  const text = new TextDecoder().decode(await readExactly(source, { offset: 0, length }, signal))
  if (!text.includes('"weight_map"')) return notCheckpoint(like)
  const shards = new Set<string>()
  for (const [, name = ""] of text.matchAll(SHARD)) {
    if (shards.size < MOST_SHARDS) shards.add(name)
  }
  if (shards.size === 0) return notCheckpoint(like)
  const [first = ""] = shards
  const others = shards.size > 1 ? ` and ${shards.size - 1} more` : ""
  const words = `the index of a model in several files: ${plainText(first)}${others}`
  return notCheckpoint(likeness("shard-index", words), { shards: [...shards] })
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

/** Files of an archive that are listed in an error. */
const MOST_FILES = 100

/** What checkpoints are called. `.bin` is a name for anything, so it counts where the archive is nothing else. */
const CHECKPOINT_NAME = /\.(?:pt|pth|pt2|ckpt|th|safetensors)$|\.pth\.tar$/i
const PERHAPS_CHECKPOINT = /\.bin$/i

/** What macOS adds to archives, and what lies in an unpacked checkpoint. */
const NO_FILE = /(?:^|\/)(?:__MACOSX\/|\._)|(?:^|\/)data\/[0-9]{1,20}$/

/** What an archive is called when it holds a file of that name, most telling first. */
const KINDS: readonly (readonly [member: RegExp, what: string])[] = [
  [/^_stable_baselines3_version$/, "a model of Stable-Baselines3"],
  [/^MAR-INF\/MANIFEST\.json$/, "a TorchServe archive (.mar)"],
  [/^(?:\.\/)?model_config\.yaml$/, "a NeMo archive"],
  [/^model\.weights\.h5$/, "a Keras model (.keras)"],
  [/(?:^|\/)saved_model\.pb$/, "a TensorFlow SavedModel"],
  [/^\[Content_Types\]\.xml$/, "an Office document"],
  [/^AndroidManifest\.xml$/, "an Android app (.apk)"],
  [/^[^/]+\.dist-info\/WHEEL$/, "a Python wheel (.whl)"],
  [/^EGG-INFO\//, "a Python egg"],
  [/^META-INF\/MANIFEST\.MF$/, "a Java archive (.jar)"],
  [/^Payload\/[^/]+\.app\//, "an iOS app (.ipa)"],
  [/^mimetype$/, "an OpenDocument or EPUB file"],
]

/** An archive that is no checkpoint. */
interface Holding {
  /** What it is called; undefined when its names do not tell. */
  readonly what: string | undefined
  /** Checkpoints in it, the first of them. */
  readonly files: readonly HeldFile[]
  /** How many there are. */
  readonly count: number
  /** Whether it is an archive of NumPy arrays (.npz). */
  readonly isNumpy: boolean
}

/** What `files`, all of an archive, come to. */
function holdingOf(files: readonly HeldFile[]): Holding {
  const shown = files.filter(({ name }) => !NO_FILE.test(name))
  const what = KINDS.find(([member]) => shown.some(({ name }) => member.test(name)))?.[1]
  const isCheckpoint = ({ name }: HeldFile): boolean =>
    CHECKPOINT_NAME.test(name) || (what === undefined && PERHAPS_CHECKPOINT.test(name))
  const checkpoints = shown.filter(isCheckpoint)
  return {
    what,
    files: checkpoints.slice(0, MOST_FILES).map(({ name, byteLength }) => ({ name, byteLength })),
    count: checkpoints.length,
    isNumpy: shown.length > 0 && shown.every(({ name }) => name.endsWith(".npy")),
  }
}

/** Storages or records of torch's beside a `data.pkl`: an unpacked checkpoint that was packed otherwise. */
const BESIDE_PICKLE = /^(?:data\/[0-9]{1,20}|version|byteorder)$/

/**
 * The folders of `files` that have the files of a checkpoint, "" for none, otherwise with a slash at its end.
 * `undefined` when there is not exactly one.
 */
function unpackedFolder(files: readonly HeldFile[]): string | undefined {
  const pickles = files.filter(({ name }) => /(?:^|\/)data\.pkl$/.test(name) && !NO_FILE.test(name))
  const folders = pickles.map(({ name }) => name.slice(0, -"data.pkl".length))
  const [folder, ...others] = folders
  if (folder === undefined || others.length > 0) return undefined
  const isBeside = files.some(
    ({ name }) => name.startsWith(folder) && BESIDE_PICKLE.test(name.slice(folder.length)),
  )
  return isBeside ? folder : undefined
}

// Zip archives whose first bytes were written over: some programs keep their version there (GPT-SoVITS writes `05` or
// `06` in place of `PK`), and others undo it before they load the file.

/** The signature of a local header. */
const SIGNATURE = [0x50, 0x4b, 0x03, 0x04]

/** Of these, `PK` is text. */
const TEXT_BYTES = 2

/** Failures that say nothing of the bytes. */
const NOT_THE_BYTES: ReadonlySet<string> = new Set(["read-failed", "input-changed"])

/** The refusal, when `source` is a checkpoint's archive but for its first bytes; these are in `head`. */
async function findReplacedSignature(
  source: ByteSource,
  head: Uint8Array,
  { listZip, signal }: LoadedParts,
): Promise<CheckpointError | undefined> {
  const changed = SIGNATURE.findLastIndex((byte, i) => byte !== head[i]) + 1
  if (changed === 0 || head.length < SIGNATURE.length) return undefined
  let names: readonly string[]
  try {
    names = (await listZip(withSignature(source))).map(({ name }) => name)
  } catch (error) {
    signal?.throwIfAborted()
    if (!isCheckpointError(error) || NOT_THE_BYTES.has(error.code)) throw error
    return undefined
  }
  const what = names.some((name) => /^[^/]+\/data\.pkl$/.test(name))
    ? "a PyTorch checkpoint"
    : "a zip archive"
  const bytes = head.subarray(0, Math.max(changed, TEXT_BYTES))
  const found = hex(bytes)
  const expected = hex(SIGNATURE.slice(0, bytes.length))
  const isText = bytes.length === TEXT_BYTES && bytes.every((byte) => byte > 0x20 && byte < 0x7f)
  const shown = isText
    ? `"${String.fromCharCode(...bytes)}" in place of "PK"`
    : `${found} in place of ${expected}`
  const problem = `this is ${what} whose first ${bytes.length} bytes are ${shown}; all else is whole`
  return new CheckpointError(ZIP_SIGNATURE, { at: 0, problem, found, expected })
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")
}

/** The same bytes, the signature put back. */
function withSignature(source: ByteSource): ByteSource {
  const { byteLength, readCost = "low" } = source
  return {
    byteLength,
    readCost,
    read: async (offset, length, signal) => {
      const bytes = await source.read(offset, length, signal)
      if (offset >= SIGNATURE.length || !(bytes instanceof Uint8Array)) return bytes
      const changed = Uint8Array.from(bytes)
      changed.set(SIGNATURE.slice(offset, offset + changed.length))
      return changed
    },
  }
}
