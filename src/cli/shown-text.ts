/** Text from files and from the command line, safe to show and in full. */

import { sayKeyPath } from "../text/key-path.ts"
import { plainText, quoteText } from "../text/quote-text.ts"

/** `text` with everything unsafe escaped, never cut. */
export function shown(text: string): string {
  return plainText(text, Number.POSITIVE_INFINITY)
}

/** Like `shown`, in double quotes. */
export function quoted(text: string): string {
  return quoteText(text, Number.POSITIVE_INFINITY)
}

/** A shape as torch prints it: `[64, 3, 7, 7]`. */
export function sayShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`
}

/** A path of keys as it is typed: `"model.state_dict"`. */
export function sayRoot(root: readonly string[]): string {
  const path = sayKeyPath(root)
  return root.length === 0 ? "the top of the checkpoint" : path.startsWith("[") ? shown(path) : quoted(path)
}

/** An argument as a shell takes it, when it shows as it is; undefined when it cannot be typed like that. */
export function shellWord(text: string): string | undefined {
  if (/^[\w.+,@%:/-]+$/.test(text) && !text.startsWith("-")) return text
  return shown(text) === text && !/[']/.test(text) ? `'${text}'` : undefined
}

/** The first few of many: `a, b, c and 12 more`. */
export function sayFew(rows: readonly string[], few: number): string {
  const first = rows.slice(0, few).join(", ")
  return rows.length > few ? `${first} and ${rows.length - few} more` : first
}
