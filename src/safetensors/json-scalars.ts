/**
 * Strings and numbers in JSON text, RFC 8259 sections 6 and 7, as serde_json reads them: it takes no lone surrogates.
 * The engine's own reader says what is one; here are their ends, and what it does not tell.
 */

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
