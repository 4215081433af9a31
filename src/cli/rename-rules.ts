/** The rules of `--rename`. */

import { nearestNames } from "../text/nearest-names.ts"
import { quoted } from "./shown-text.ts"
import { UsageError } from "./usage-error.ts"

/** Changes the names that it matches; undefined for the others. */
type Rule = (name: string) => string | undefined

/** Renames by several rules in order, each applied to what the one before has made of the name. */
export class RenameRules {
  readonly #rules: readonly { readonly text: string; readonly apply: Rule }[]
  readonly #unused: Set<string>
  /** What the rules were asked about. */
  readonly #names: string[] = []

  /** @throws UsageError for a rule that is not FROM=TO, or whose sides have different numbers of stars. */
  constructor(texts: readonly string[]) {
    this.#rules = texts.map((text) => ({ text, apply: parseRule(text) }))
    this.#unused = new Set(texts)
  }

  /** The new name. */
  readonly rename = (name: string): string => {
    if (this.#unused.size > 0) this.#names.push(name)
    let current = name
    for (const { text, apply } of this.#rules) {
      const next = apply(current)
      if (next === undefined) continue
      this.#unused.delete(text)
      current = next
    }
    return current
  }

  /** What to say of rules that no name has matched so far: most likely they are misspelt. */
  get notes(): readonly string[] {
    return Array.from(this.#unused, (text) => {
      const from = text.slice(0, text.indexOf("="))
      const near = nearestNames(from.includes("*") ? from : `${from}*`, this.#names)
      const names = near.length === 0 ? "" : `; the nearest: ${near.map(quoted).join(", ")}`
      return `--rename ${quoted(text)} matched no name${names}`
    })
  }
}

function parseRule(text: string): Rule {
  const equals = text.indexOf("=")
  if (equals <= 0) throw new UsageError(`--rename takes FROM=TO, not ${quoted(text)}`)
  const from = text.slice(0, equals)
  const to = text.slice(equals + 1)
  const fromParts = from.split("*")
  const toParts = to.split("*")
  if (fromParts.length !== toParts.length) {
    throw new UsageError(`--rename ${quoted(text)}: both sides need the same number of stars`)
  }
  if (fromParts.length === 1) {
    return (name) => (name.startsWith(from) ? to + name.slice(from.length) : undefined)
  }
  return (name) => {
    const runs = matchStars(name, fromParts)
    return runs?.reduce((made, run, index) => made + run + (toParts[index + 1] ?? ""), toParts[0] ?? "")
  }
}

/**
 * What each star stands for when `parts`, with a star between every two, make up the whole of `name`. Each star takes
 * as little as it can, the last one the rest.
 */
function matchStars(name: string, parts: readonly string[]): readonly string[] | undefined {
  const head = parts[0] ?? ""
  const tail = parts.at(-1) ?? ""
  const end = name.length - tail.length
  if (end < head.length || !name.startsWith(head) || !name.endsWith(tail)) return undefined
  const runs: string[] = []
  let start = head.length
  for (const part of parts.slice(1, -1)) {
    const at = name.indexOf(part, start)
    if (at < 0 || at + part.length > end) return undefined
    runs.push(name.slice(start, at))
    start = at + part.length
  }
  return [...runs, name.slice(start, end)]
}
