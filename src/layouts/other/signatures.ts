/** How files begin that are no checkpoints, and what they are. One table for what a conversion says and what a scan notes. */

import type { OtherFile } from "../../torch/errors.ts"

/** First bytes, or those from `offset` on, and what they mean. */
export type Signature = readonly [start: string, kind: OtherFile, words: string, offset?: number]

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
export function signatureOf(head: Uint8Array): Signature | undefined {
  return [...NEAR_MISSES, ...OTHERS].find((row) => startsWith(head, row))
}

/** As `signatureOf`, in words, of files that nobody takes for a checkpoint. */
export function evidentFile(head: Uint8Array): string | undefined {
  const found = OTHERS.find((row) => startsWith(head, row))?.[2]
  return found ?? (isSentencePiece(head) ? SENTENCE_PIECE : undefined)
}

export const SENTENCE_PIECE = "a SentencePiece tokenizer"

/** Field 1 of ModelProto is a piece, whose field 1 is its text (sentencepiece_model.proto). */
export function isSentencePiece([tag, length = 0, inner, textLength = 0]: Uint8Array): boolean {
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
export function textOf(head: Uint8Array): string | undefined {
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
