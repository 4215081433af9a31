/** Numbers in JSON text: RFC 8259 section 6, scanned by hand because a regular expression of 100 MB of digits fails. */

const INTEGER = /^-?[0-9]{1,20}$/

/** Index after the number that begins at `start`, or undefined when none does. `01` is the number 0 and a rest. */
export function scanNumber(text: string, start: number): number | undefined {
  let at = text.charAt(start) === "-" ? start + 1 : start
  const whole = skipDigits(text, at)
  if (whole === at) return undefined
  at = text.charAt(at) === "0" ? at + 1 : whole
  if (text.charAt(at) === ".") {
    const fraction = skipDigits(text, at + 1)
    if (fraction === at + 1) return undefined
    at = fraction
  }
  const mark = text.charAt(at)
  if (mark !== "e" && mark !== "E") return at
  const sign = text.charAt(at + 1)
  const digits = sign === "+" || sign === "-" ? at + 2 : at + 1
  const exponent = skipDigits(text, digits)
  return exponent === digits ? undefined : exponent
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

/** Index of the first unit from `start` on that is not a digit. */
function skipDigits(text: string, start: number): number {
  for (let index = start; ; index++) {
    const unit = text.charCodeAt(index)
    // Not `unit < "0" || unit > "9"`: past the end the unit is NaN.
    if (!(unit >= 0x30 && unit <= 0x39)) return index
  }
}
