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

// Strings and numbers in JSON text, RFC 8259 sections 6 and 7, as serde_json reads them: it takes no lone surrogates.
// The engine's own reader says what is one; here are their ends, and what it does not tell.

/** Characters that a string cannot hold as they are. */
const SPECIAL = /[\\\u0000-\u001f]/

/** A surrogate without its partner (in `u` mode pairs are one character). */
const LONE_SURROGATE = /[\ud800-\udfff]/u

const BACKSLASH = 0x5c

/** A string that was read, and the index after its closing quotation mark. */
interface ScannedString {
  readonly value: string
  readonly end: number
}

/** The string whose opening quotation mark is before `start`, or what is wrong with it. */
export function scanString(text: string, start: number): ScannedString | { readonly problem: string } {
  let close = text.indexOf('"', start)
  while (close !== -1 && isEscaped(text, start, close)) close = text.indexOf('"', close + 1)
  if (close === -1) return { problem: "a string has no end" }
  const raw = text.slice(start, close)
  const value = SPECIAL.test(raw) ? unescaped(raw) : raw
  return typeof value === "string" ? { value, end: close + 1 } : value
}

/** True when an odd number of backslashes stands before `index`. */
function isEscaped(text: string, start: number, index: number): boolean {
  let first = index
  while (first > start && text.charCodeAt(first - 1) === BACKSLASH) first--
  return (index - first) % 2 === 1
}

/** The engine's own reader is exact for strings, and takes 100 MB of escapes without an array of pieces. */
function unescaped(raw: string): string | { readonly problem: string } {
  let value: string
  try {
    value = JSON.parse(`"${raw}"`) as string
  } catch {
    return { problem: "a string holds a control character or an unknown escape" }
  }
  return LONE_SURROGATE.test(value) ? { problem: "a string holds an escaped lone surrogate" } : value
}

const INTEGER = /^-?[0-9]{1,20}$/

const PLUS = 0x2b
const MINUS = 0x2d
const DOT = 0x2e
const UPPER_E = 0x45
const LOWER_E = 0x65

/** Whether numbers are made of this UTF-16 unit, among others. NaN is none. */
export function isNumberUnit(unit: number): boolean {
  if (unit <= 0x39) return unit >= 0x30 || unit === DOT || unit === PLUS || unit === MINUS
  return unit === UPPER_E || unit === LOWER_E
}

/**
 * The number that stands at `start`, up to the next character of which no number is made; undefined when that is none.
 * Its end is looked for by hand: a regular expression of 100 MB of digits fails, which the engine's own reader takes.
 */
export function numberToken(text: string, start: number): string | undefined {
  let end = start
  while (isNumberUnit(text.charCodeAt(end))) end++
  const token = text.slice(start, end)
  try {
    JSON.parse(token)
  } catch {
    return undefined
  }
  return token
}

/**
 * The value of an integer token of up to 20 digits, as a bigint above 2^53 - 1; undefined for every other token.
 * `4.0`, `4e0`, `-0` and 21 digits are no integers to serde_json either: it makes doubles of them.
 */
export function toInteger(token: string): number | bigint | undefined {
  if (!INTEGER.test(token) || token === "-0") return undefined
  const value = Number(token)
  return Number.isSafeInteger(value) ? value : BigInt(token)
}
