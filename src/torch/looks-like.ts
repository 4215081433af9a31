/** What a file that is no checkpoint looks like, for whoever picked it by mistake, and what to do instead. */

import type { OtherFile } from "./errors.ts"
import type { SniffedFormat } from "./sniff-format.ts"

/** What a file is, in words and for programs. */
export interface Likeness {
  readonly kind: OtherFile
  readonly looksLike: string
  readonly nextStep: string
}

type Row = readonly [start: string, kind: OtherFile, looksLike: string]

const UNPACK = "Unpack it, and convert what comes out."
const OTHER_FRAMEWORK =
  "Only PyTorch checkpoints are converted. Look for the PyTorch or safetensors files of the same model."
const NO_MODEL = "There are no weights in it. Name the file that holds the weights."
const FETCH_AGAIN = "Fetch the file again, and compare its size with the one that its publisher states."

/** What to do, by what the file is. */
const NEXT_STEPS: ReadonlyMap<OtherFile, string> = new Map<OtherFile, string>([
  ["7z", UNPACK],
  ["archive", NO_MODEL],
  ["bzip2", UNPACK],
  ["empty", FETCH_AGAIN],
  ["ggml", OTHER_FRAMEWORK],
  ["gguf", "Convert the original checkpoint of the model: what GGUF files hold is quantized, mostly."],
  ["gzip", UNPACK],
  ["hdf5", OTHER_FRAMEWORK],
  [
    "html",
    "Open the file's address in a browser: it may need a login, or another link leads to the file itself.",
  ],
  ["json", NO_MODEL],
  ["lfs-pointer", "Fetch the file itself with `git lfs pull`, or download it from its page."],
  ["msgpack", OTHER_FRAMEWORK],
  ["numpy", "Arrays of NumPy are no checkpoint. Look for the PyTorch file of the same model."],
  ["onnx", OTHER_FRAMEWORK],
  ["pdf", NO_MODEL],
  [
    "pickle",
    "`scan` tells what it would import and call. Ask whoever made it to save the state_dict() with torch.save: " +
      "loading a pickle runs what it names.",
  ],
  [
    "pickled-storages",
    "Convert the archive that it was unpacked from, or pack its folder again: data.pkl and data/ in one folder of a zip.",
  ],
  ["rar", UNPACK],
  ["safetensors", "There is nothing to convert. `checkSafetensors` checks it."],
  ["shard-index", "Each file that it names is a checkpoint of its own: convert them one by one."],
  ["tensorflow", OTHER_FRAMEWORK],
  ["text", "Look at what it says: a server's message may have been saved in place of the file."],
  ["xz", UNPACK],
  ["zeros", FETCH_AGAIN],
  ["zstd", UNPACK],
])

const OTHERWISE = "Check that the right file was named and that it was downloaded in full."

/** First bytes and what they mean, most telling first. */
const SIGNATURES: readonly Row[] = [
  ["PYTORCH1", "unknown", "a preview format of PyTorch 1.0 that was never released"],
  ["\x1f\x8b", "gzip", "a gzip file"],
  ["BZh", "bzip2", "a bzip2 file"],
  ["\xfd7zXZ\0", "xz", "an xz file"],
  ["\x28\xb5\x2f\xfd", "zstd", "a Zstandard file"],
  ["7z\xbc\xaf\x27\x1c", "7z", "a 7z archive"],
  ["Rar!", "rar", "a RAR archive"],
  ["\x93NUMPY", "numpy", "a NumPy array (.npy)"],
  ["\x89HDF\r\n\x1a\n", "hdf5", "an HDF5 file (Keras or old TensorFlow)"],
  ["GGUF", "gguf", "a GGUF file (llama.cpp)"],
  // ggml, ggmf, ggjt and ggla, as llama.cpp's magic numbers stand in a little-endian file.
  ["ggml", "ggml", "a GGML file (llama.cpp)"],
  ["lmgg", "ggml", "a GGML file (llama.cpp)"],
  ["fmgg", "ggml", "a GGML file (llama.cpp)"],
  ["tjgg", "ggml", "a GGML file (llama.cpp)"],
  ["algg", "ggml", "a GGML file (llama.cpp)"],
  ["PK\x05\x06", "archive", "an empty zip archive"],
  ["%PDF", "pdf", "a PDF"],
  ["\x89PNG\r\n\x1a\n", "unknown", "a PNG image"],
  ["\xff\xd8\xff", "unknown", "a JPEG image"],
  ["GIF8", "unknown", "a GIF image"],
  ["\x7fELF", "unknown", "a program or library of Linux (ELF)"],
  // SavedModel: its version is 1, a graph follows (tensorflow/core/protobuf/saved_model.proto).
  ["\x08\x01\x12", "tensorflow", "a TensorFlow SavedModel"],
]

/** How text begins, in small letters and behind blanks and a byte order mark. */
const TEXTS: readonly Row[] = [
  ["version https://git-lfs.github.com/", "lfs-pointer", "a Git LFS pointer"],
  ["version https://hawser.github.com/", "lfs-pointer", "a Git LFS pointer"],
  ["<!doctype", "html", "a web page"],
  ["<html", "html", "a web page"],
  ["<head", "html", "a web page"],
  ["<?xml", "text", "an XML file"],
  ["{", "json", "a JSON file"],
  ["[", "json", "a JSON file"],
]

/** Tab, line feed, vertical tab, form feed, carriage return. */
const WHITE_SPACE = [0x09, 0x0a, 0x0b, 0x0c, 0x0d]

/** `head` is the start of the file, `byteLength` the length of the whole, `format` what `sniffFormat` says of it. */
export function looksLike(format: SniffedFormat, head: Uint8Array, byteLength: number): Likeness {
  if (format === "safetensors") return likeness("safetensors", "a safetensors file already")
  if (format === "pickle") return likeness("pickle", "a plain pickle, not written by torch.save")
  const signature = SIGNATURES.find(([bytes]) => startsWith(head, bytes))
  if (signature !== undefined) return likeness(signature[1], signature[2])
  return guess(head, byteLength)
}

/** What is said of a file of that kind. */
export function likeness(kind: OtherFile, words: string): Likeness {
  return { kind, looksLike: words, nextStep: NEXT_STEPS.get(kind) ?? OTHERWISE }
}

function startsWith(head: Uint8Array, bytes: string): boolean {
  return Array.from(bytes).every((byte, i) => byte.charCodeAt(0) === head[i])
}

function guess(head: Uint8Array, byteLength: number): Likeness {
  if (byteLength === 0) return likeness("empty", "an empty file")
  if (head.every((byte) => byte === 0))
    return likeness("zeros", "a file of zeros: its content was never written")
  if (head[4] === 0x54 && startsWith(head.subarray(4), "TFL3"))
    return likeness("tensorflow", "a TensorFlow Lite model")
  if (isOnnx(head)) return likeness("onnx", "an ONNX model")
  if (isMessagePack(head)) return likeness("msgpack", "a MessagePack file (Flax)")
  const text = textOf(head)
  if (text === undefined) return likeness("unknown", "no format that is known here")
  const start = text.replace(/^\ufeff?\s*/u, "").toLowerCase()
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

/** UTF-8 that may be cut off at its end, without controls; undefined for anything else. */
function textOf(head: Uint8Array): string | undefined {
  if (head.some((byte) => (byte < 0x20 && !WHITE_SPACE.includes(byte)) || byte === 0x7f)) return undefined
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(head, { stream: true })
  } catch {
    return undefined
  }
}
