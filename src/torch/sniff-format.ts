/** Tells from the first bytes what a file is: a checkpoint in one of its layouts, or something else by name. */

/** What the first bytes say. */
export type SniffedFormat =
  | { readonly is: "zip" }
  | { readonly is: "legacy" }
  | { readonly is: "tar" }
  | { readonly is: "pickle" | "safetensors" | "other"; readonly looksLike: string }

/** Bytes that `sniffFormat` wants to see, or all that the file has. The tar signature ends at 265. */
export const SNIFFED_BYTES = 512

/** First bytes and what they mean, most telling first. */
const SIGNATURES: readonly (readonly [bytes: string, looksLike: string])[] = [
  ["PYTORCH1", "a preview format of PyTorch 1.0 that was never released"],
  ["\x1f\x8b", "a gzip file: unpack it first"],
  ["BZh", "a bzip2 file: unpack it first"],
  ["\xfd7zXZ\0", "an xz file: unpack it first"],
  ["\x28\xb5\x2f\xfd", "a Zstandard file: unpack it first"],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"],
  ["Rar!", "a RAR archive: unpack it first"],
  ["\x93NUMPY", "a NumPy array (.npy)"],
  ["\x89HDF\r\n\x1a\n", "an HDF5 file (Keras or old TensorFlow)"],
  ["GGUF", "a GGUF file (llama.cpp)"],
  ["ggml", "a GGML file (llama.cpp)"],
  [
    "version https://git-lfs.github.com",
    "a Git LFS pointer: the file itself was not downloaded (git lfs pull)",
  ],
  ["<!DOCTYPE", "a web page: the download needs a login or another address"],
  ["<!doctype", "a web page: the download needs a login or another address"],
  ["<html", "a web page: the download needs a login or another address"],
  ["PK\x05\x06", "an empty zip archive"],
  ["%PDF", "a PDF"],
  ["{", "a JSON file"],
]

/** How pickles of protocol 2 and higher begin. */
const PROTO = 0x80
const HIGHEST_PROTOCOL = 5

/** LONG1 with ten bytes, the magic number of torch.save, STOP: how the first legacy pickle ends. */
const LEGACY_HEAD = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

/** PROTO, and from protocol 4 on a FRAME of nine bytes, stand before it. */
const LEGACY_HEAD_OFFSETS = [2, 11]

/** `head` is the start of the file, `byteLength` the length of the whole. */
export function sniffFormat(head: Uint8Array, byteLength: number): SniffedFormat {
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("")
  if (text.startsWith("PK\x03\x04")) return { is: "zip" }
  if (LEGACY_HEAD_OFFSETS.some((offset) => text.startsWith(LEGACY_HEAD, offset))) return { is: "legacy" }
  if (text.startsWith("ustar", 257)) return { is: "tar" }
  if (looksLikeSafetensors(head, byteLength))
    return { is: "safetensors", looksLike: "a safetensors file already" }
  if (head[0] === PROTO && (head[1] ?? 255) <= HIGHEST_PROTOCOL) {
    return { is: "pickle", looksLike: "a plain pickle, not written by torch.save" }
  }
  const signature = SIGNATURES.find(([bytes]) => text.startsWith(bytes))
  return { is: "other", looksLike: signature?.[1] ?? guess(head, text, byteLength) }
}

function guess(head: Uint8Array, text: string, byteLength: number): string {
  if (byteLength === 0) return "an empty file"
  if (head.every((byte) => byte === 0)) return "a file of zeros: its content was never written"
  if (/^[\s\x20-\x7e]*$/.test(text)) return "a text file"
  return "no format that is known here"
}

/** A length of 64 bits that fits the file, then an object. */
function looksLikeSafetensors(head: Uint8Array, byteLength: number): boolean {
  if (head.byteLength < 10 || head[8] !== 0x7b) return false
  const headerLength = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true)
  return headerLength >= 2n && headerLength <= BigInt(byteLength - 8)
}
