/**
 * Makes text from a file safe to show.
 *
 * Names in a checkpoint are written by whoever made it. Shown raw they can move the cursor, reorder a line or
 * fill a screen, so everything but plain visible text is escaped, and long text is cut.
 */

/** Characters that are never shown raw: controls, format and bidi marks, separators, surrogates, unassigned. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu

/** Longest text shown, in UTF-16 units. */
const SHOWN_UNITS = 80

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, "0")}`
}

/** `text` with everything unsafe escaped, cut to `units` (default 80) with a mark that says how much is missing. */
export function plainText(text: string, units: number = SHOWN_UNITS): string {
  const cut = text.length > units ? text.slice(0, units) : text
  const shown = cut.replace(UNSAFE, escapeCharacter)
  return cut.length < text.length ? `${shown}… (${text.length} characters)` : shown
}

/** Like `plainText`, in double quotes. */
export function quoteText(text: string): string {
  return `"${plainText(text)}"`
}
