/**
 * Text as a pickle of any protocol writes it, for those who only look: what they need of it is names, so no more is read
 * than a name could have.
 *
 * Follows CPython: STRING is a Python literal in quotes (`codecs.escape_decode`), UNICODE is text in the codec
 * `raw-unicode-escape`, the others are UTF-8 behind a length.
 */

import { GLOBAL_NAME_BYTES } from "./decode.ts"
import { OpcodeWalker } from "./opcode-walker.ts"
import { decodePythonText } from "./python-text.ts"

/** Where the operand of a text opcode stands. */
export interface TextPlace {
  readonly bytes: Uint8Array
  readonly code: number
  readonly start: number
  readonly end: number
}

const STRING = 0x53
const UNICODE = 0x56

const BACKSLASH = 0x5c

/** Bytes of UTF-8 that hold as many characters as are read, whatever they are. */
const MOST_BYTES = 4 * (GLOBAL_NAME_BYTES + 1)

/** Blanks that are looked behind: a literal may be asked for often. */
const MOST_BLANKS = 16

/** Escapes of one character in a Python literal, by the character. */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
])

/** Behind a backslash: `x` and two hex digits, up to three octal digits, or any character. */
const LITERAL_ESCAPE = /x([0-9a-fA-F]{2})|([0-7]{1,3})|(.)/sy

/** Behind a backslash: `u` with four, or `U` with eight hex digits, or any character, two backslashes among them. */
const RAW_ESCAPE = /u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.)/sy

const HIGHEST_CODE_POINT = 0x10ffff

/**
 * What the text opcode at this place stands for: undefined when no text does, cut with an ellipsis when it is longer than
 * a name. Of longer ones only the beginning is looked at.
 */
export function readName(place: TextPlace): string | undefined {
  const { bytes, code, start, end } = place
  if (code === STRING) return cutName(readStringLiteral(bytes, start, end))
  if (code === UNICODE) return cutName(readRawUnicode(bytes, start, end))
  return cutName(readUtf8(bytes, start, end))
}

/** Texts that are kept once they were read: names come back from the memo as often as the pickle likes. */
const MOST_TEXTS = 64

/** The names that text opcodes of a pickle push. */
export class PushedNames {
  readonly #bytes: Uint8Array
  readonly #texts = new Map<number, string>()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** What the text opcode at `place` pushes: see `readName`. */
  at(place: number): string | undefined {
    const known = this.#texts.get(place)
    if (known !== undefined) return known
    const walker = new OpcodeWalker(this.#bytes, place, true)
    walker.next()
    const text = readName(walker)
    if (this.#texts.size === MOST_TEXTS) this.#texts.clear()
    if (text !== undefined) this.#texts.set(place, text)
    return text
  }
}

/** A line of GLOBAL or INST as Python decodes it: undefined where it cannot, and then looks nothing up. */
export function readNameLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  isAscii: boolean,
): string | undefined {
  const most = Math.min(end, start + MOST_BYTES)
  if (isAscii) for (let at = start; at < most; at++) if ((bytes[at] as number) > 0x7f) return undefined
  return cutName(readUtf8(bytes, start, end))
}

/** The bytes of a name, one character each. */
export function latin1Name(bytes: Uint8Array, start: number, end: number): string {
  const text = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + GLOBAL_NAME_BYTES + 1)))
  return cutName(text) ?? ""
}

function cutName(name: string | undefined): string | undefined {
  return name !== undefined && name.length > GLOBAL_NAME_BYTES ? `${name.slice(0, GLOBAL_NAME_BYTES)}…` : name
}

function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= MOST_BYTES) return decodePythonText(bytes.subarray(start, end))
  let cut = start + MOST_BYTES
  // A character that is cut in two is left out.
  while (cut > start && ((bytes[cut] as number) & 0xc0) === 0x80) cut--
  return decodePythonText(bytes.subarray(start, cut))
}

/** What the operand of STRING stands for, or undefined when it has no quotes. Bytes above 0x7f are left as they are. */
export function readStringLiteral(bytes: Uint8Array, start: number, end: number): string | undefined {
  let last = end - 1
  // Python 2 took blanks behind the quotes.
  const first = Math.max(start, last - MOST_BLANKS)
  while (last > first && isBlank(bytes[last] as number)) last--
  const quote = bytes[start]
  if (last <= start || (quote !== 0x22 && quote !== 0x27) || bytes[last] !== quote) return undefined
  return readEscaped(bytes, start + 1, last, LITERAL_ESCAPE, (hex, octal, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff)
    return ESCAPES.get(other ?? "")
  })
}

/** What the operand of UNICODE stands for. */
export function readRawUnicode(bytes: Uint8Array, start: number, end: number): string {
  return readEscaped(bytes, start, end, RAW_ESCAPE, (short, long) => {
    const code = Number.parseInt(short ?? long ?? "", 16)
    return code <= HIGHEST_CODE_POINT ? String.fromCodePoint(code) : undefined
  })
}

/** `stand` gives what an escape stands for; what it does not know is left as it is. */
function readEscaped(
  bytes: Uint8Array,
  start: number,
  end: number,
  pattern: RegExp,
  stand: (first?: string, second?: string, other?: string) => string | undefined,
): string {
  let text = ""
  for (let at = start; at < end && text.length <= GLOBAL_NAME_BYTES; ) {
    const byte = bytes[at] as number
    at += 1
    if (byte !== BACKSLASH) {
      text += String.fromCharCode(byte)
      continue
    }
    const following = String.fromCharCode(...bytes.subarray(at, Math.min(at + 9, end)))
    pattern.lastIndex = 0
    const [whole = "", first, second, other] = pattern.exec(following) ?? []
    text += stand(first, second, other) ?? `\\${whole}`
    at += whole.length
  }
  return text
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

/** Digits of a memo index that is read. */
const MOST_DIGITS = 15

/** Bytes of a line that are looked at: nobody writes longer numbers. */
const MOST_LOOKED_AT = 512

/**
 * The number that GET or PUT has as its line: decimal digits and nothing else. "unclear" for what one of the unpicklers
 * may read as a number all the same (`1_0`, ` 10`, `+10`, digits of other scripts, a zero byte and anything behind it);
 * undefined without any digit.
 */
export function readMemoIndex(bytes: Uint8Array, start: number, end: number): number | "unclear" | undefined {
  let value = 0
  let hasDigits = false
  let isClear = end - start <= MOST_DIGITS
  for (let at = start; at < Math.min(end, start + MOST_LOOKED_AT); at++) {
    const byte = bytes[at] as number
    const isDigit = byte >= 0x30 && byte <= 0x39
    // Above ASCII there are digits of other scripts: which of them count is Python's to say.
    hasDigits ||= isDigit || byte > 0x7f
    isClear &&= isDigit
    if (isClear) value = value * 10 + byte - 0x30
  }
  if (!hasDigits) return undefined
  return isClear ? value : "unclear"
}

/** Whether the line of STRING begins with a quote and has the same one behind it. */
export function isQuotedLine(bytes: Uint8Array, start: number, end: number): boolean {
  const quote = bytes[start]
  return (
    end - start >= 2 && (quote === 0x22 || quote === 0x27) && bytes.subarray(start + 1, end).includes(quote)
  )
}
