/**
 * Text as protocols 0 and 1 write it, for those who only look: the machine refuses these opcodes.
 *
 * Follows CPython's `pickle.py`: STRING is a Python literal in quotes, UNICODE is text in the codec
 * `raw-unicode-escape`.
 */

/** Escapes of one character in a Python literal. */
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

/** Backslash, then `x` and two hex digits, up to three octal digits, or any character. */
const LITERAL_ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gs

/** Backslash and `u` with four, or `U` with eight hex digits. */
const RAW_ESCAPE = /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g

const HIGHEST_CODE_POINT = 0x10ffff

/** What the operand of STRING stands for, or undefined when it has no quotes. */
export function readStringLiteral(line: string): string | undefined {
  const text = line.trimEnd()
  const quote = text[0]
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) return undefined
  return text.slice(1, -1).replace(LITERAL_ESCAPE, (whole, hex: string, octal: string, other: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
    return ESCAPES.get(other) ?? whole
  })
}

/** What the operand of UNICODE stands for. */
export function readRawUnicode(line: string): string {
  return line.replace(RAW_ESCAPE, (whole, short: string, long: string) => {
    const code = Number.parseInt(short ?? long, 16)
    return code > HIGHEST_CODE_POINT ? whole : String.fromCodePoint(code)
  })
}
