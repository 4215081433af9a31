/**
 * Text from a file, safe to show: names may hold marks that turn a line around, hide, or look like another name. As the
 * library does it in its messages.
 */

/** The blank apart: controls, format and bidi marks, surrogates, unassigned, what fonts leave out, what looks blank. */
const UNSAFE = /(?! )[\p{C}\p{Z}\p{DI}\u2800]/gu

/** In a name also: a mark that combines with what stands before it, a pile of marks, a backslash. */
const UNSAFE_IN_NAME = /(?! )[\p{C}\p{Z}\p{DI}\u2800]|^\p{M}|\p{M}{4,}|\\/gu

/** Where characters can be written in two ways that look the same, all but ASCII is escaped. */
const UNSAFE_OR_WIDE = /[^\x20-\x7e]|\\/gu

/** Longest text that is put into the page at once, in UTF-16 units. A name may have a million. */
const SHOWN_UNITS = 2000

/** `text` with everything unsafe escaped, cut to `units` (default 2,000). All that gets into the page goes through this. */
export function visibleText(text: string, units: number = SHOWN_UNITS): string {
  return cut(text, units, (part) => part.replace(UNSAFE, escapeEach))
}

/** A name as it is in the file: real backslashes are escaped too, so that names that differ look different. */
export function visibleName(name: string, units: number = SHOWN_UNITS): string {
  return cut(name, units, (part) =>
    part.replace(part === part.normalize("NFC") ? UNSAFE_IN_NAME : UNSAFE_OR_WIDE, escapeEach),
  )
}

function cut(text: string, units: number, escaped: (part: string) => string): string {
  if (text.length <= units) return escaped(text)
  return `${escaped(text.slice(0, units))}… (${text.length} characters)`
}

function escapeEach(characters: string): string {
  return Array.from(characters, escapeCharacter).join("")
}

function escapeCharacter(character: string): string {
  if (character === "\\") return "\\\\"
  const code = character.codePointAt(0) ?? 0
  return `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, "0")}`
}
