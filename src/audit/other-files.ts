/**
 * Files that are no checkpoints and say so by themselves. Where a name is ambiguous (`model.bin`) they are told from what
 * should have been a checkpoint: a download that failed, one that was cut, one whose beginning was overwritten.
 */

/** How files begin, and what they are. */
const SIGNATURES: readonly (readonly [bytes: string, what: string])[] = [
  ["GGUF", "a GGUF file (llama.cpp)"],
  ["ggml", "a GGML file (llama.cpp)"],
  ["lmgg", "a GGML file (llama.cpp)"],
  ["fmgg", "a GGML file (llama.cpp)"],
  ["tjgg", "a GGML file (llama.cpp)"],
  ["\x93NUMPY", "a NumPy array"],
  ["\x89HDF\r\n\x1a\n", "an HDF5 file"],
  ["\x89PNG\r\n\x1a\n", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["RIFF", "a RIFF file (WebP, WAV, AVI)"],
  ["OggS", "an Ogg file"],
  ["ID3", "an MP3 file"],
  ["fLaC", "a FLAC file"],
  ["%PDF", "a PDF"],
  ["\x7fELF", "a program or library (ELF)"],
  ["MZ", "a program or library of Windows"],
  ["\xcf\xfa\xed\xfe", "a program or library of macOS"],
  ["\xca\xfe\xba\xbe", "a program of macOS, or Java code"],
  ["\0asm", "WebAssembly"],
  ["!<arch>\n", "an archive of object code"],
  ["SQLite format 3\0", "an SQLite database"],
  ["PAR1", "a Parquet file"],
  ["ARROW1", "an Arrow file"],
  ["\xba\x16\x4f\x2f", "a fastText model"],
  ["\0\0\x01\0", "an icon"],
]

/** What a file is of which `head` is the start; undefined when nothing says so. */
export function otherFileOf(head: Uint8Array): string | undefined {
  const found = SIGNATURES.find(([bytes]) => startsWith(head, bytes))?.[1]
  if (found !== undefined) return found
  if (startsWith(head.subarray(4), "TFL3")) return "a TensorFlow Lite model"
  return isSentencePiece(head) ? "a SentencePiece tokenizer" : undefined
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

/** Field 1 of ModelProto is a piece, whose field 1 is its text (sentencepiece_model.proto). */
function isSentencePiece([tag, length = 0, inner, textLength = 0]: Uint8Array): boolean {
  return tag === 0x0a && inner === 0x0a && length > 2 && length < 0x80 && textLength <= length - 2
}

function startsWith(head: Uint8Array, bytes: string): boolean {
  return Array.from(bytes).every((byte, i) => byte.charCodeAt(0) === head[i])
}

/** `head` as text, when it is text without control characters. A character that is cut at its end does not count. */
function textOf(head: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true })
    return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
