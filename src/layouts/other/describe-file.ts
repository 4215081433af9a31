/**
 * What a file is that cannot be read as a checkpoint, and what to do about it: more than its first bytes tell, where a
 * few reads more tell it. Loaded when it is needed: what is opened is a checkpoint, most of the time.
 */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import type { ErrorDetails } from "../../errors/all-errors.ts"
import { CheckpointError } from "../../errors/checkpoint-error.ts"
import { plainText, quoteText } from "../../text/quote-text.ts"
import {
  type HeldFile,
  HOLDS_CHECKPOINTS,
  NOT_A_CHECKPOINT,
  UNSUPPORTED_LAYOUT,
  ZIP_LAYOUT,
} from "../../torch/errors.ts"
import { describeBarePickle } from "../bare-pickle/describe-pickle.ts"
import type { LayoutFile } from "../layout.ts"
import { listTarFiles } from "../tar/tar-files.ts"
import { holdingOf, unpackedFolder } from "./held-files.ts"
import { type Likeness, likeness, looksLike } from "./looks-like.ts"
import type { LoadedParts } from "./refusal.ts"
import { findReplacedSignature } from "./replaced-signature.ts"

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
