/** What a file that is no checkpoint looks like, for whoever picked it by mistake. */

import type { SniffedFormat } from "./sniff-format.ts"

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

/** Tab, line feed, vertical tab, form feed, carriage return, and in Latin-1 the space that does not break. */
const WHITE_SPACE = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0xa0]

/** `head` is the start of the file, `byteLength` the length of the whole, `format` what `sniffFormat` says of it. */
export function looksLike(format: SniffedFormat, head: Uint8Array, byteLength: number): string {
  if (format === "safetensors") return "a safetensors file already"
  if (format === "pickle") return "a plain pickle, not written by torch.save"
  const signature = SIGNATURES.find(([bytes]) => {
    return Array.from(bytes).every((byte, i) => byte.charCodeAt(0) === head[i])
  })
  return signature?.[1] ?? guess(head, byteLength)
}

function guess(head: Uint8Array, byteLength: number): string {
  if (byteLength === 0) return "an empty file"
  if (head.every((byte) => byte === 0)) return "a file of zeros: its content was never written"
  if (head.every((byte) => (byte >= 0x20 && byte < 0x7f) || WHITE_SPACE.includes(byte))) return "a text file"
  return "no format that is known here"
}
