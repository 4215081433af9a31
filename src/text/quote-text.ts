/**
 * Makes text from strangers safe to show: names of a file, headers of a server, messages of other programs.
 *
 * Shown raw they can move the cursor, reorder a line, fill a screen, look like another name, or give orders: the agents
 * of GitHub Actions, Azure DevOps and TeamCity obey lines of a log. So everything but plain visible text is escaped as
 * in JSON, real backslashes too, so that two texts that differ look different; long text is cut.
 */

/**
 * What is never shown raw, the blank apart: controls, format and bidi marks, surrogates, private and unassigned
 * characters, what fonts leave out (default ignorable: variation selectors, fillers, tags, joiners), and what looks like
 * a blank. A mark that combines with what stands before the text. A backslash.
 */
const UNSAFE = /(?! )[\p{C}\p{Z}\p{DI}\u2800]|^\p{M}|\\/gu

/** The same in a message that has been put together from safe texts and has lines of its own. */
const UNSAFE_IN_MESSAGE = /(?![ \n])[\p{C}\p{Z}\p{DI}\u2800]/gu

/** Where characters can be written in two ways that look the same, all but ASCII is escaped. */
const UNSAFE_OR_WIDE = /[^\x20-\x7e]|\\/gu

/** Marks above one another: no script has more than three, and a pile of them hides the lines above and below. */
const PILED_MARKS = /\p{M}{4,}/gu

/**
 * What makes a command of a line: `::` where a line may begin (GitHub: after blanks; lines are broken at blanks), and
 * `##[`, `##vso[`, `##teamcity[` wherever they are. What ends like the beginning of one counts, as more text may follow.
 */
const COMMANDS = /(?:^| ):(?=:|$)|##(?=[A-Za-z]*(?:\[|$))/g

/** The same in a message: only lines that are there begin. */
const COMMANDS_IN_MESSAGE = /^ *:(?=:)|##(?=[A-Za-z]*\[)/gm

/** Without quotation marks around them: blanks at the ends, which nobody would see, and a quotation mark that begins. */
const OUTER = /^[ "]| $/g

/** What nearly all names are made of. */
const USUAL = /^[\w./-]*$/

/** Longest text shown, in UTF-16 units. */
const SHOWN_UNITS = 80

function escapeCharacter(character: string): string {
  if (character === "\\") return "\\\\"
  const code = character.codePointAt(0) ?? 0
  return `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, "0")}`
}

const escapeEach = (text: string): string => Array.from(text, escapeCharacter).join("")

const escapeMarks = (command: string): string => command.replace(/[:#]/g, escapeCharacter)

function escapeText(text: string): string {
  if (USUAL.test(text)) return text
  const unsafe = text === text.normalize("NFC") ? UNSAFE : UNSAFE_OR_WIDE
  return text.replace(unsafe, escapeCharacter).replace(PILED_MARKS, escapeEach).replace(COMMANDS, escapeMarks)
}

function cutText(text: string, units: number): string {
  if (text.length <= units) return escapeText(text)
  return `${escapeText(text.slice(0, units))}… (${text.length} characters)`
}

/** `text` with everything unsafe escaped, cut to `units` (default 80) with a mark that says how much is missing. */
export function plainText(text: string, units: number = SHOWN_UNITS): string {
  return cutText(text, units).replace(OUTER, escapeCharacter)
}

/** Like `plainText`, in double quotes. */
export function quoteText(text: string, units: number = SHOWN_UNITS): string {
  return `"${cutText(text, units).replaceAll('"', '\\"')}"`
}

/**
 * A message that was put together from safe texts, with its line breaks: a net for what was overlooked. It leaves the
 * escapes that are there alone.
 */
export function safeMessage(text: string): string {
  return text.replace(UNSAFE_IN_MESSAGE, escapeCharacter).replace(COMMANDS_IN_MESSAGE, escapeMarks)
}

/**
 * A path of keys as text that people read and type, and that `parseKeyPath` reads as this path: `model.state_dict`, or a
 * JSON array where keys hold dots themselves, `["a.b","c"]`. A key that is a tuple may hold dots between its brackets:
 * `cache.(0.5, 1).weight`.
 */
export function sayKeyPath(path: readonly string[]): string {
  const joined = path.join(".")
  return path.length > 0 && isSame(parseKeyPath(joined), path) ? joined : JSON.stringify(path)
}

/** The path that `text` stands for; undefined when it begins as a JSON array and is none of texts. */
export function parseKeyPath(text: string): readonly string[] | undefined {
  return text.startsWith("[") ? parseArray(text) : splitAtDots(text)
}

function parseArray(text: string): readonly string[] | undefined {
  try {
    const keys: unknown = JSON.parse(text)
    return Array.isArray(keys) && keys.every((key) => typeof key === "string") ? keys : undefined
  } catch {
    return undefined
  }
}

function splitAtDots(text: string): readonly string[] {
  const keys: string[] = []
  for (let start = 0; start <= text.length; ) {
    const end = tupleEnd(text, start) ?? text.indexOf(".", start)
    keys.push(end < 0 ? text.slice(start) : text.slice(start, end))
    start = end < 0 ? text.length + 1 : end + 1
  }
  return keys
}

/** Where the tuple that begins at `start` ends, when it is one and a whole key. */
function tupleEnd(text: string, start: number): number | undefined {
  if (text[start] !== "(") return undefined
  let depth = 0
  let quote: string | undefined
  for (let i = start; i < text.length; i++) {
    const unit = text[i]
    if (quote !== undefined) {
      if (unit === "\\") i++
      else if (unit === quote) quote = undefined
    } else if (unit === "'" || unit === '"') quote = unit
    else if (unit === "(") depth++
    else if (unit === ")" && --depth === 0) {
      const end = i + 1
      return end === text.length || text[end] === "." ? end : undefined
    }
  }
  return undefined
}

function isSame(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.length === b.length && a.every((key, index) => key === b[index])
}
