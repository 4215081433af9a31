/** Which words are URLs, and the name that a URL gives to a file. Whoever made the URL may be a stranger. */

/** A file that is called like this is written `./https://…`. */
const URL_START = /^https?:\/\//i

/**
 * What cannot be in the name of a file on some system, separates folders, or does not show as what it is: controls, marks
 * that reorder a line, blanks of other kinds, halves of characters.
 */
const UNSAFE = /(?! )[\p{C}\p{Z}\p{DI}\u2800]|[<>:"/\\|?*]/gu

/** A name that begins so is hidden, or looks like an option. */
const LEADING = /^[.\s-]+/u

/** Devices of Windows, whatever follows behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$)[ ]*(?:\.|$)/iu

/** Room is left for what is added to it, which file systems hold to 255 bytes with it. */
const MOST_BYTES = 180

/** Characters that are kept at the end of a long name. */
const KEPT_AT_END = 20

/** Whether a word of the command line is a URL to be fetched. */
export function isUrl(word: string): boolean {
  return URL_START.test(word)
}

/** A safe name from the last part of the path, or undefined where nothing is left of it. */
export function nameOf({ pathname }: URL): string | undefined {
  const last = decoded(pathname.slice(pathname.lastIndexOf("/") + 1))
  const name = cut(last.replace(UNSAFE, "_").replace(LEADING, "")).replace(/[.\s]+$/u, "")
  if (name === "") return undefined
  return DEVICE.test(name) ? `_${name}` : name
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No UTF-8: it stays as it is written.
    return text
  }
}

/** The middle goes, as the end says what kind of file it is. */
function cut(name: string): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name
  const characters = [...name]
  const end = characters.splice(-KEPT_AT_END).join("")
  let start = ""
  for (const character of characters) {
    if (Buffer.byteLength(start + character + end) > MOST_BYTES) break
    start += character
  }
  return start + end
}
