/**
 * Text as Python pickles it: UTF-8, in which a lone surrogate may stand as three bytes (the `surrogatepass` handler
 * of CPython's `pickle.py`). Such text is legal in Python, so it is kept as data; a tensor's name refuses it later.
 */

/** `ignoreBOM` keeps a leading U+FEFF: without it two different names would become one. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text, or undefined when the bytes are not what Python writes. */
export function decodePythonText(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return decodeWithSurrogates(bytes)
  }
}

/** U+D800 to U+DFFF are ED A0 80 to ED BF BF; bit 4 of the middle byte tells low surrogates from high ones. */
function decodeWithSurrogates(bytes: Uint8Array): string | undefined {
  let text = ""
  let start = 0
  let afterHigh = -1
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    const middle = bytes[at + 1] ?? 0
    const last = bytes[at + 2] ?? 0
    if (middle < 0xa0 || middle > 0xbf || last < 0x80 || last > 0xbf) continue
    const isLow = (middle & 0x10) !== 0
    // Two halves in a row would become one character here, and equal to a text that is different in Python.
    if (isLow && afterHigh === at) return undefined
    try {
      text += UTF8.decode(bytes.subarray(start, at))
    } catch {
      return undefined
    }
    text += String.fromCharCode(0xd000 | ((middle & 0x3f) << 6) | (last & 0x3f))
    start = at + 3
    afterHigh = isLow ? -1 : start
  }
  if (start === 0) return undefined
  try {
    return text + UTF8.decode(bytes.subarray(start))
  } catch {
    return undefined
  }
}
