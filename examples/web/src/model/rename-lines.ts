/** The rules of the box for new names: one `regex → replacement` a line. */

/** `->` and `=>` are what a keyboard has. */
const ARROW = /\s*(?:→|->|=>)\s?/

/** A line that is no rule. */
export class RenameLineError extends Error {
  /** Counted from 1. */
  readonly line: number

  constructor(line: number, problem: string) {
    super(`Line ${line}: ${problem}`)
    this.line = line
  }
}

/**
 * The rules as one function; undefined when there are none. Each rule is applied to what the one before has made of a
 * name, to every place where it matches. An empty replacement takes the match away.
 *
 * @throws RenameLineError
 */
export function parseRenameLines(text: string): ((name: string) => string) | undefined {
  const rules = text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(line, index + 1)]))
  if (rules.length === 0) return undefined
  return (name) => rules.reduce((current, rule) => rule(current), name)
}

function parseLine(line: string, number: number): (name: string) => string {
  const arrow = ARROW.exec(line)
  if (arrow === null)
    throw new RenameLineError(number, "write a regular expression, an arrow (->) and the new text.")
  const from = line.slice(0, arrow.index).trim()
  const to = line.slice(arrow.index + arrow[0].length).trim()
  if (from === "") throw new RenameLineError(number, "there is nothing before the arrow.")
  let pattern: RegExp
  try {
    pattern = new RegExp(from, "gu")
  } catch (error) {
    throw new RenameLineError(number, error instanceof Error ? `${error.message}.` : String(error))
  }
  return (name) => name.replace(pattern, to)
}

/** Globs as people write several: one a line, or with commas or spaces between. Undefined when there are none. */
export function parseGlobs(text: string): readonly string[] | undefined {
  const globs = text.split(/[\s,]+/).filter(Boolean)
  return globs.length === 0 ? undefined : globs
}
