/** The text of a header, and where in the file each of its characters lies. */

import { atOnce, type Steps } from "../bytes/turns.ts"

/** Bytes that are decoded at once: a millisecond or two. */
const DECODED_BYTES = 1024 * 1024

/** `bytes` as text. @throws TypeError when they are not UTF-8. */
export function* decodeUtf8(bytes: Uint8Array): Steps<string> {
  // `ignoreBOM` keeps a byte order mark in the text, where it is not a `{`.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  if (bytes.byteLength <= DECODED_BYTES) return decoder.decode(bytes)
  const parts: string[] = []
  for (let start = 0; start < bytes.byteLength; start += DECODED_BYTES) {
    parts.push(decoder.decode(bytes.subarray(start, start + DECODED_BYTES), { stream: true }))
    yield
  }
  parts.push(decoder.decode())
  return parts.join("")
}

/** Decoded text that still knows its bytes. */
export class HeaderText {
  readonly text: string
  readonly #fileOffset: number
  readonly #byteLength: number
  /** The unit that was asked for last, and its byte offset in the text: the next is mostly near it. */
  #last = { index: 0, bytes: 0 }

  /** `bytes`, which lie at `fileOffset`, are `text` in UTF-8. @throws TypeError when they are not UTF-8. */
  constructor(bytes: Uint8Array, fileOffset: number, text: string = atOnce(decodeUtf8(bytes))) {
    this.text = text
    this.#fileOffset = fileOffset
    this.#byteLength = bytes.byteLength
  }

  /** Byte offset in the file of the UTF-16 unit at `index`. */
  fileOffsetOf(index: number): number {
    if (this.text.length === this.#byteLength) return this.#fileOffset + index
    const { index: last, bytes } = this.#last
    const between = utf8Length(this.text, Math.min(last, index), Math.max(last, index))
    this.#last = { index, bytes: index < last ? bytes - between : bytes + between }
    return this.#fileOffset + this.#last.bytes
  }
}

/** What a decoder puts in the place of bytes that are no text, and its three bytes where it stands in the text itself. */
const REPLACEMENT = "\ufffd"
const REPLACEMENT_BYTES = [0xef, 0xbf, 0xbd]

/** Offset in `bytes`, which are not UTF-8, of the first character that is wrong: `valid_up_to` of Rust's `Utf8Error`. */
export function findInvalidUtf8(bytes: Uint8Array): number {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
  let offset = 0
  for (let start = 0; ; ) {
    const index = text.indexOf(REPLACEMENT, start)
    if (index === -1) return bytes.byteLength
    offset += utf8Length(text, start, index)
    if (REPLACEMENT_BYTES.some((byte, i) => bytes[offset + i] !== byte)) return offset
    offset += REPLACEMENT_BYTES.length
    start = index + 1
  }
}

/** Bytes of UTF-8 that the units `[start, end)` of well-formed text take; half a surrogate pair counts as two. */
function utf8Length(text: string, start: number, end: number): number {
  let bytes = 0
  for (let index = start; index < end; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) bytes += 2
    else bytes += 3
  }
  return bytes
}
