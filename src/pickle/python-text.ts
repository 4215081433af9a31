/**
 * Text as Python pickles it: UTF-8, in which a lone surrogate may stand as three bytes (the `surrogatepass` handler
 * of CPython's `pickle.py`). Such text is legal in Python, so it is kept as data; a tensor's name refuses it later.
 */

/** `ignoreBOM` keeps a leading U+FEFF: without it two different names would become one. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** U+D800 to U+DFFF are ED A0 80 to ED BF BF. */
const SURROGATE_BYTES = 3

/** The text, or undefined when the bytes are not what Python writes. */
export function decodePythonText(bytes: Uint8Array): string | undefined {
  let text = ""
  let start = 0
  let afterHigh = -1
  try {
    // Surrogates are looked for first: trying to decode and failing costs 5 microseconds, millions of times.
    for (let at = findSurrogate(bytes, 0); at >= 0; at = findSurrogate(bytes, start)) {
      const middle = bytes[at + 1] as number
      const isLow = (middle & 0x10) !== 0
      // Two halves in a row would become one character here, and equal to a text that is different in Python.
      if (isLow && afterHigh === at) return undefined
      if (at > start) text += UTF8.decode(bytes.subarray(start, at))
      text += String.fromCharCode(0xd000 | ((middle & 0x3f) << 6) | ((bytes[at + 2] as number) & 0x3f))
      start = at + SURROGATE_BYTES
      afterHigh = isLow ? -1 : start
    }
    return text + UTF8.decode(start === 0 ? bytes : bytes.subarray(start))
  } catch {
    return undefined
  }
}

/** Where the next three bytes of a surrogate begin, or -1. */
function findSurrogate(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xed, from); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    const middle = bytes[at + 1] ?? 0
    const last = bytes[at + 2] ?? 0
    if (middle >= 0xa0 && middle <= 0xbf && last >= 0x80 && last <= 0xbf) return at
  }
  return -1
}
