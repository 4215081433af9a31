/** The inside of a JSON string: RFC 8259 section 7 as serde_json reads it, which takes no lone surrogates. */

/** Characters that a string cannot hold as they are. */
const SPECIAL = /[\\\u0000-\u001f]/

/** A surrogate without its partner (in `u` mode pairs are one character). */
const LONE_SURROGATE = /[\ud800-\udfff]/u

const BACKSLASH = 0x5c

/** A string that was read, and the index after its closing quotation mark. */
export interface ScannedString {
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
