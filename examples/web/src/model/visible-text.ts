/**
 * Text from a file, safe to show: names may hold marks that turn a line around, hide, or stand for nothing. As the
 * library does it in its messages.
 */

/** Controls, format and bidi marks, separators, surrogates, unassigned. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu

/** Longest text that is put into the page at once, in UTF-16 units. A name may have a million. */
const SHOWN_UNITS = 2000

/** `text` with everything unsafe escaped, cut to `units` (default 2,000). */
export function visibleText(text: string, units: number = SHOWN_UNITS): string {
  const cut = text.length > units ? text.slice(0, units) : text
  const shown = cut.replace(UNSAFE, escapeCharacter)
  return cut.length < text.length ? `${shown}… (${text.length} characters)` : shown
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, "0")}`
}
