/**
 * Storage keys as numbers. torch counts storages from 0, so that an array can stand for a map of texts: to look up
 * `tiny/data/12345` means to join it, hash it and compare it, a microsecond a tensor in a process that has just begun.
 */

const ZERO = 0x30

/** So many digits are exact, and no more than millions of storages have them. */
const MOST_DIGITS = 7

/** The number that `text` from `start` on is in decimal, as it is written by rule; -1 for a larger one and for all else. */
export function smallDecimal(text: string, start = 0): number {
  const digits = text.length - start
  if (digits < 1 || digits > MOST_DIGITS) return -1
  if (digits > 1 && text.charCodeAt(start) === ZERO) return -1
  let value = 0
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
