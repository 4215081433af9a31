/** What a file that is no checkpoint looks like, for whoever picked it by mistake, and what to do instead. */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import type { OtherFile } from "../../torch/errors.ts"
import type { LoadedParts, OpcodeReader } from "../layout.ts"

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

// How files begin that are no checkpoints, and what they are. One table for what a conversion says and what a scan notes.

/** First bytes, or those from `offset` on, and what they mean. */
type Signature = readonly [start: string, kind: OtherFile, words: string, offset?: number]

/** Files that say so by themselves: whoever calls one `model.bin` had nothing else in mind. */
const OTHERS: readonly Signature[] = [
  ["GGUF", "gguf", "a GGUF file (llama.cpp)"],
  // ggml, ggmf, ggjt and ggla, as llama.cpp's magic numbers stand in a little-endian file.
  ["ggml", "ggml", "a GGML file (llama.cpp)"],
  ["lmgg", "ggml", "a GGML file (llama.cpp)"],
  ["fmgg", "ggml", "a GGML file (llama.cpp)"],
  ["tjgg", "ggml", "a GGML file (llama.cpp)"],
  ["algg", "ggml", "a GGML file (llama.cpp)"],
  ["\x93NUMPY", "numpy", "a NumPy array (.npy)"],
  ["\x89HDF\r\n\x1a\n", "hdf5", "an HDF5 file (Keras or old TensorFlow)"],
  ["\x89PNG\r\n\x1a\n", "unknown", "a PNG image"],
  ["\xff\xd8\xff", "unknown", "a JPEG image"],
  ["GIF8", "unknown", "a GIF image"],
  ["RIFF", "unknown", "a RIFF file (WebP, WAV, AVI)"],
  ["OggS", "unknown", "an Ogg file"],
  ["ID3", "unknown", "an MP3 file"],
  ["fLaC", "unknown", "a FLAC file"],
  ["%PDF", "pdf", "a PDF"],
  ["\x7fELF", "unknown", "a program or library of Linux (ELF)"],
  ["MZ", "unknown", "a program or library of Windows"],
  ["\xcf\xfa\xed\xfe", "unknown", "a program or library of macOS"],
  ["\xca\xfe\xba\xbe", "unknown", "a program of macOS, or Java code"],
  ["\0asm", "unknown", "WebAssembly"],
  ["!<arch>\n", "unknown", "an archive of object code"],
  ["SQLite format 3\0", "unknown", "an SQLite database"],
  ["PAR1", "unknown", "a Parquet file"],
  ["ARROW1", "unknown", "an Arrow file"],
  ["\xba\x16\x4f\x2f", "unknown", "a fastText model"],
  ["\0\0\x01\0", "unknown", "an icon"],
  ["TFL3", "tensorflow", "a TensorFlow Lite model", 4],
]

/** Files that may hold a checkpoint, or should have been one. */
const NEAR_MISSES: readonly Signature[] = [
  ["PYTORCH1", "unknown", "a preview format of PyTorch 1.0 that was never released"],
  ["\x1f\x8b", "gzip", "a gzip file"],
  ["BZh", "bzip2", "a bzip2 file"],
  ["\xfd7zXZ\0", "xz", "an xz file"],
  ["\x28\xb5\x2f\xfd", "zstd", "a Zstandard file"],
  ["7z\xbc\xaf\x27\x1c", "7z", "a 7z archive"],
  ["Rar!", "rar", "a RAR archive"],
  ["PK\x05\x06", "archive", "an empty zip archive"],
  // SavedModel: its version is 1, a graph follows (tensorflow/core/protobuf/saved_model.proto).
  ["\x08\x01\x12", "tensorflow", "a TensorFlow SavedModel"],
]

/** What a file is of which `head` is the start, where its first bytes alone tell. */
function signatureOf(head: Uint8Array): Signature | undefined {
  return [...NEAR_MISSES, ...OTHERS].find((row) => startsWith(head, row))
}

/** As `signatureOf`, in words, of files that nobody takes for a checkpoint. */
export function evidentFile(head: Uint8Array): string | undefined {
  const found = OTHERS.find((row) => startsWith(head, row))?.[2]
  return found ?? (isSentencePiece(head) ? SENTENCE_PIECE : undefined)
}

const SENTENCE_PIECE = "a SentencePiece tokenizer"

/** Field 1 of ModelProto is a piece, whose field 1 is its text (sentencepiece_model.proto). */
function isSentencePiece([tag, length = 0, inner, textLength = 0]: Uint8Array): boolean {
  return tag === 0x0a && inner === 0x0a && length > 2 && length < 0x80 && textLength <= length - 2
}

/**
 * A tokenizer of tiktoken, as Llama 3 has one (`tokenizer.model`): each line is a token in Base64 and its number.
 */
export function isTokenList(head: Uint8Array): boolean {
  const lines = textOf(head)?.split("\n").slice(0, -1)
  return (
    lines !== undefined &&
    lines.length > 0 &&
    lines.every((line) => /^[A-Za-z0-9+/]+={0,2} [0-9]+$/.test(line))
  )
}

/**
 * A file of Python's `site` module: lines that are paths or begin with `import`. Every site-packages has some, and they end
 * in `.pth` too.
 */
export function isPathFile(head: Uint8Array): boolean {
  const text = textOf(head)
  if (text === undefined || text.trim() === "" || text.trimStart().startsWith("<")) return false
  return text
    .split(/\r?\n/)
    .every((line) => /^(?:#.*|import[ \t].*|\s*|[^\s<>{}"|]*[/\\.][^<>{}"|]*|[\w-]+)$/.test(line))
}

/** `head` as text; undefined where it is none, or has control characters. A character that is cut at its end does not count. */
function textOf(head: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true })
    return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

function startsWith(head: Uint8Array, [bytes, , , offset = 0]: Signature): boolean {
  return Array.from(bytes).every((byte, i) => byte.charCodeAt(0) === head[offset + i])
}

/** A first storage is asked for within some hundred bytes of a `data.pkl`; much may stand before it. */
const MOST_BYTES = 1_048_576
const MOST_OPCODES = 100_000

/** What torch's own pickler calls what it keeps beside the pickle (torch 2.13, `serialization.py`, `persistent_id`). */
const STORAGE = "storage"

/** Modules that a pickle names, and what it is then, most telling first. */
const MAKERS: readonly (readonly [module: RegExp, words: string])[] = [
  [/^joblib\./, "a joblib file (scikit-learn and others)"],
  [/^sklearn\./, "a pickled scikit-learn model"],
  [/^torch\.storage$/, "a pickle of tensors that pickle.dump wrote, not torch.save"],
  [/^torch\b/, "a pickle of PyTorch objects that was not written by torch.save"],
  [/^numpy\b/, "a pickle of NumPy arrays"],
]

/** What the pickle in `source` is, as far as its opcodes tell. Nothing of it is made or called. */
export async function describeBarePickle(
  source: ByteSource,
  { readOpcodes, signal }: LoadedParts,
): Promise<Likeness> {
  const length = Math.min(source.byteLength, MOST_BYTES)
  const { asksForStorages, texts } = survey(
    readOpcodes(await readExactly(source, { offset: 0, length }, signal)),
  )
  if (asksForStorages) {
    const words =
      "the data.pkl of an unpacked PyTorch checkpoint: it asks for weights that lie in files beside it"
    return likeness("pickled-storages", words)
  }
  const maker = MAKERS.find(([module]) => [...texts].some((text) => module.test(text)))
  return likeness("pickle", maker?.[1] ?? "a plain pickle, not written by torch.save")
}

interface Survey {
  asksForStorages: boolean
  /** Short texts, names of modules among them. Names are few. */
  readonly texts: ReadonlySet<string>
}

function survey(reader: OpcodeReader): Survey {
  const texts = new Set<string>()
  let asksForStorages = false
  try {
    for (let count = 0; count < MOST_OPCODES; count++) {
      const { name } = reader.next()
      const { operand } = reader
      if (name === "STOP") break
      if (name === "BINPERSID") asksForStorages ||= texts.has(STORAGE)
      else if (typeof operand === "string" && operand.length <= 64 && texts.size < 256) texts.add(operand)
    }
  } catch {
    // What could be read tells enough: scan and conversion say what is wrong with it.
  }
  return { asksForStorages, texts }
}
