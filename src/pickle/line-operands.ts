/**
 * What stands in the lines of protocol 0, as far as CPython's unpicklers agree on it. They do not on all: the one in C
 * hands lines to functions that end at a zero byte, and both take more for a number than digits.
 */

const ZERO = 0x30
const NINE = 0x39

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
    const isDigit = byte >= ZERO && byte <= NINE
    // Above ASCII there are digits of other scripts: which of them count is Python's to say.
    hasDigits ||= isDigit || byte > 0x7f
    isClear &&= isDigit
    if (isClear) value = value * 10 + byte - ZERO
  }
  if (!hasDigits) return undefined
  return isClear ? value : "unclear"
}

/** Whether the line of INT, LONG or FLOAT may be one to an unpickler: up to a zero byte, nothing that is in no number. */
export function isNumberLine(bytes: Uint8Array, start: number, end: number): boolean {
  let hasLetters = false
  for (let at = start; at < Math.min(end, start + MOST_LOOKED_AT); at++) {
    const byte = bytes[at] as number
    if (byte === 0) break
    // Digits, letters for hexadecimal ones, for `inf` and for `L`, an underscore, a sign, a point, blanks.
    const isLetter = (byte >= ZERO && byte <= NINE) || (byte >= 0x41 && byte <= 0x5a) || isLower(byte)
    hasLetters ||= isLetter
    const isOther = byte === 0x5f || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x20
    if (!isLetter && !isOther && !(byte >= 0x09 && byte <= 0x0d)) return false
  }
  return hasLetters
}

/** Whether the line of STRING begins with a quote and has the same one behind it. */
export function isQuotedLine(bytes: Uint8Array, start: number, end: number): boolean {
  const quote = bytes[start]
  return (
    end - start >= 2 && (quote === 0x22 || quote === 0x27) && bytes.subarray(start + 1, end).includes(quote)
  )
}

function isLower(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a
}
