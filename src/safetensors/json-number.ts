/** Numbers in JSON text: RFC 8259 section 6. */

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
