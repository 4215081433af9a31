/**
 * Text as Python pickles it: UTF-8, in which a lone surrogate may stand as three bytes (the `surrogatepass` handler
 * of CPython's `pickle.py`). Such text is legal in Python, so it is kept as data; a tensor's name refuses it later.
 */

/** `ignoreBOM` keeps a leading U+FEFF: without it two different names would become one. */
const UTF8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** U+D800 to U+DFFF are ED A0 80 to ED BF BF. */
const SURROGATE_BYTES = 3

/** U+E000, which takes the place of a surrogate while the rest is decoded. */
const PLACEHOLDER = [0xee, 0x80, 0x80]

/** The text, or undefined when the bytes are not what Python writes. */
export function decodePythonText(bytes: Uint8Array): string | undefined {
  try {
    // Surrogates are looked for first: trying to decode and failing costs 5 microseconds, millions of times.
    const first = findSurrogate(bytes, 0)
    return first < 0 ? UTF8.decode(bytes) : decodeWithSurrogates(bytes, first)
  } catch {
    return undefined
  }
}

/** The text, or undefined when the bytes are not UTF-8 without surrogates. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}

/** A few arrays whatever the text holds: pieces joined one by one would take fifty times its size. */
function decodeWithSurrogates(bytes: Uint8Array, first: number): string | undefined {
  const patched = bytes.slice()
  for (let at = first; at >= 0; at = findSurrogate(bytes, at + 3)) patched.set(PLACEHOLDER, at)
  const text = UTF8.decode(patched)
  const units = new Uint16Array(text.length)
  let unit = 0
  let afterHigh = -1
  for (let at = 0; at < bytes.length; ) {
    if (isSurrogate(bytes, at)) {
      const isLow = ((bytes[at + 1] as number) & 0x10) !== 0
      // Two halves in a row would become one character here, and equal to a text that is different in Python.
      if (isLow && afterHigh === at) return undefined
      units[unit++] = 0xd000 | (((bytes[at + 1] as number) & 0x3f) << 6) | ((bytes[at + 2] as number) & 0x3f)
      at += SURROGATE_BYTES
      afterHigh = isLow ? -1 : at
      continue
    }
    const lead = bytes[at] as number
    units[unit] = text.charCodeAt(unit)
    unit += 1
    if (lead >= 0xf0) {
      units[unit] = text.charCodeAt(unit)
      unit += 1
    }
    at += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  }
  return textOfUnits(units, 0, unit)
}

/** Arguments that one call of `String.fromCharCode` is given; engines overflow somewhat above 100,000. */
const UNITS_A_CALL = 8192

/** Units of UTF-16, or bytes as one character each, from `start` to `end`. */
export function textOfUnits(units: Uint8Array | Uint16Array, start: number, end: number): string {
  let text = ""
  for (let at = start; at < end; at += UNITS_A_CALL) {
    const part = units.subarray(at, Math.min(at + UNITS_A_CALL, end))
    text += String.fromCharCode.apply(null, part as unknown as number[])
  }
  return text
}

/** Where the next three bytes of a surrogate begin, or -1. */
function findSurrogate(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xed, from); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if (isSurrogate(bytes, at)) return at
  }
  return -1
}

function isSurrogate(bytes: Uint8Array, at: number): boolean {
  const middle = bytes[at + 1] ?? 0
  const last = bytes[at + 2] ?? 0
  return bytes[at] === 0xed && middle >= 0xa0 && middle <= 0xbf && last >= 0x80 && last <= 0xbf
}
