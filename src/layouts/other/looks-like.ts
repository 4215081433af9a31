/** What a file that is no checkpoint looks like, for whoever picked it by mistake, and what to do instead. */

import type { OtherFile } from "../../torch/errors.ts"
import { isSentencePiece, SENTENCE_PIECE, type Signature, signatureOf, textOf } from "./signatures.ts"

/** What a file is, in words and for programs. */
export interface Likeness {
  readonly kind: OtherFile
  readonly looksLike: string
  readonly nextStep: string
}

/** What to do, by what the file is. */
const NEXT_STEPS: readonly (readonly [kinds: readonly OtherFile[], nextStep: string])[] = [
  [["7z", "bzip2", "gzip", "rar", "xz", "zstd"], "Unpack it, and convert what comes out."],
  [["archive", "json", "pdf"], "There are no weights in it. Name the file that holds the weights."],
  [["empty", "zeros"], "Fetch the file again, and compare its size with the one that its publisher states."],
  [
    ["ggml", "hdf5", "msgpack", "onnx", "tensorflow"],
    "Only PyTorch checkpoints are converted. Look for the PyTorch or safetensors files of the same model.",
  ],
  [["gguf"], "Convert the original checkpoint of the model: what GGUF files hold is quantized, mostly."],
  [
    ["html"],
    "Open the file's address in a browser: it may need a login, or another link leads to the file itself.",
  ],
  [["lfs-pointer"], "Fetch the file itself with `git lfs pull`, or download it from its page."],
  [["numpy"], "Arrays of NumPy are no checkpoint. Look for the PyTorch file of the same model."],
  [
    ["pickle"],
    "`scan` tells what it would import and call. Ask whoever made it to save the state_dict() with torch.save: " +
      "loading a pickle runs what it names.",
  ],
  [
    ["pickled-storages"],
    "Convert the archive that it was unpacked from, or pack its folder again: data.pkl and data/ in one folder of a zip.",
  ],
  [["safetensors"], "There is nothing to convert. `checkSafetensors` checks it."],
  [["shard-index"], "Each file that it names is a checkpoint of its own: convert them one by one."],
  [["text"], "Look at what it says: a server's message may have been saved in place of the file."],
]

const OTHERWISE = "Check that the right file was named and that it was downloaded in full."

/** How text begins, in small letters and behind blanks and a byte order mark. */
const TEXTS: readonly Signature[] = [
  ["version https://git-lfs.github.com/", "lfs-pointer", "a Git LFS pointer"],
  ["version https://hawser.github.com/", "lfs-pointer", "a Git LFS pointer"],
  ["<!doctype", "html", "a web page"],
  ["<html", "html", "a web page"],
  ["<head", "html", "a web page"],
  ["<?xml", "text", "an XML file"],
  ["{", "json", "a JSON file"],
  ["[", "json", "a JSON file"],
]

/** `head` is the start of the file, `byteLength` the length of the whole. */
export function looksLike(head: Uint8Array, byteLength: number): Likeness {
  const signature = signatureOf(head)
  return signature === undefined ? guess(head, byteLength) : likeness(signature[1], signature[2])
}

/** What is said of a file of that kind. */
export function likeness(kind: OtherFile, words: string): Likeness {
  return {
    kind,
    looksLike: words,
    nextStep: NEXT_STEPS.find(([kinds]) => kinds.includes(kind))?.[1] ?? OTHERWISE,
  }
}

function guess(head: Uint8Array, byteLength: number): Likeness {
  if (byteLength === 0) return likeness("empty", "an empty file")
  if (head.every((byte) => byte === 0))
    return likeness("zeros", "a file of zeros: its content was never written")
  if (isOnnx(head)) return likeness("onnx", "an ONNX model")
  if (isMessagePack(head)) return likeness("msgpack", "a MessagePack file (Flax)")
  const text = textOf(head)
  if (text === undefined)
    return likeness("unknown", isSentencePiece(head) ? SENTENCE_PIECE : "no format that is known here")
  const start = text.trimStart().toLowerCase()
  const row = TEXTS.find(([beginning]) => start.startsWith(beginning))
  if (row !== undefined) return likeness(row[1], row[2])
  return likeness("text", "a text file")
}

/** Field 1 is the version, above 2 in all that PyTorch exports; then the producer's name (onnx.proto, ModelProto). */
function isOnnx([first, version = 0, second, length = 0, ...rest]: Uint8Array): boolean {
  if (first !== 0x08 || version < 3 || version > 64 || second !== 0x12 || length === 0) return false
  return rest.slice(0, Math.min(length, 16)).every(isPrintable)
}

/** A map whose first key is a short text. */
function isMessagePack(head: Uint8Array): boolean {
  const [first = 0] = head
  const keyAt = first > 0x80 && first < 0x90 ? 1 : first === 0xde ? 3 : first === 0xdf ? 5 : 0
  const key = head[keyAt] ?? 0
  if (keyAt === 0 || key <= 0xa0 || key >= 0xc0) return false
  const name = head.subarray(keyAt + 1, keyAt + 1 + (key & 0x1f))
  return name.length === (key & 0x1f) && name.every(isPrintable)
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}
