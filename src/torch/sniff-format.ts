/** Tells from the first bytes what a file is: a checkpoint in one of its layouts, or something else. */

/** What the first bytes say. */
export type SniffedFormat = "zip" | "legacy" | "tar" | "pickle" | "safetensors" | "other"

import { isTarHeader } from "./tar-header.ts"

/** Bytes that `sniffFormat` wants to see, or all that the file has: the header of a tar archive. */
export const SNIFFED_BYTES = 512

/** How pickles of protocol 2 and higher begin. */
const PROTO = 0x80
const HIGHEST_PROTOCOL = 5

/** LONG1 with ten bytes, the magic number of torch.save, STOP: how the first legacy pickle ends. */
const LEGACY_HEAD = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

/** PROTO, and from protocol 4 on a FRAME of nine bytes, stand before it. */
const LEGACY_HEAD_OFFSETS = [2, 11]

/**
 * `head` is the start of the file, `byteLength` the length of the whole. What Python's tarfile would open is a tar archive,
 * whatever else it is.
 */
export function sniffFormat(head: Uint8Array, byteLength: number): SniffedFormat {
  return isTarHeader(head) ? "tar" : sniffUnderTar(head, byteLength)
}

/** What the first bytes say besides that they are the header of a tar archive. */
export function sniffUnderTar(head: Uint8Array, byteLength: number): SniffedFormat {
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("")
  if (text.startsWith("PK\x03\x04")) return "zip"
  if (LEGACY_HEAD_OFFSETS.some((offset) => text.startsWith(LEGACY_HEAD, offset))) return "legacy"
  if (text.startsWith("ustar", 257)) return "tar"
  if (looksLikeSafetensors(head, byteLength)) return "safetensors"
  return head[0] === PROTO && (head[1] ?? 255) <= HIGHEST_PROTOCOL ? "pickle" : "other"
}

/** A length of 64 bits that fits the file, then an object. */
function looksLikeSafetensors(head: Uint8Array, byteLength: number): boolean {
  if (head.byteLength < 10 || head[8] !== 0x7b) return false
  const headerLength = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true)
  return headerLength >= 2n && headerLength <= BigInt(byteLength - 8)
}
