/** The options that say how a checkpoint is fetched and read, what is taken from it, and under which names. */

import { type ConvertOptions, DEFAULT_LIMITS, type Limits } from "../node/index.ts"
import { nearestNames, parseKeyPath } from "../node/texts-for-command-line.ts"
import type { CommandLine, OptionName, OptionValues } from "./command-line.ts"
import { UsageError } from "./endings.ts"
import { quoted, sayFew } from "./terminal/words.ts"
import { readHttp } from "./urls.ts"

/** What was selected, as options of the library. */
export interface Selection {
  readonly options: ConvertOptions
  /** Undefined when nothing is renamed. */
  readonly renaming: RenameRules | undefined
}

/** @throws UsageError for a value that an option does not take. */
export function readSelection(line: CommandLine, signal: AbortSignal): Selection {
  const { options: values } = line
  const globs = (name: OptionName): readonly string[] | undefined => {
    const texts = values.texts(name)
    return texts.length === 0 ? undefined : texts
  }
  const renames = globs("rename")
  const renaming = renames === undefined ? undefined : new RenameRules(renames)
  const options = {
    signal,
    root: readRoot(values),
    include: globs("include"),
    exclude: globs("exclude"),
    rename: renaming?.rename,
    keep: globs("keep"),
    shared: readChoice(values, "shared", ["alias", "copy", "error"]),
    metadata: readMetadata(values.texts("metadata")),
    byteOrder: readChoice(values, "byteorder", ["little", "big"]),
    verify: readChoice(values, "verify", ["crc", "none"]),
    limits: readLimits(values.texts("limit")),
    http: readHttp(line),
  }
  return { options, renaming }
}

function readRoot(values: OptionValues): readonly string[] | "all" | undefined {
  const root = values.text("root")
  if (values.has("all")) {
    if (root !== undefined) throw new UsageError("--root and --all exclude each other")
    return "all"
  }
  if (root === undefined) return undefined
  const keys = parseKeyPath(root)
  if (keys !== undefined) return keys
  throw new UsageError(`--root takes keys joined by dots or a JSON array of strings, not ${quoted(root)}`)
}

function readChoice<Choice extends string>(
  values: OptionValues,
  name: OptionName,
  choices: readonly Choice[],
): Choice | undefined {
  const text = values.text(name)
  if (text === undefined) return undefined
  const choice = choices.find((each) => each === text)
  if (choice !== undefined) return choice
  throw new UsageError(`--${name} takes ${choices.join(" or ")}, not ${quoted(text)}`)
}

function readMetadata(texts: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined
  const pairs = texts.map((text) => splitPair(text, "--metadata takes KEY=VALUE"))
  // From entries, so that `__proto__` becomes a key like any other.
  return Object.fromEntries([["format", "pt"], ...pairs])
}

function readLimits(texts: readonly string[]): Partial<Limits> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name, value] = splitPair(text, "--limit takes NAME=NUMBER")
      if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
        const names = Object.keys(DEFAULT_LIMITS)
        throw new UsageError(`there is no limit ${quoted(name)}; there are ${sayFew(names, names.length)}`)
      }
      if (/^\d{1,15}$/.test(value)) return [name, Number(value)]
      throw new UsageError(`--limit ${quoted(text)}: the value must be a whole number below 10^15`)
    }),
  )
}

function splitPair(text: string, takes: string): readonly [string, string] {
  const equals = text.indexOf("=")
  if (equals <= 0) throw new UsageError(`${takes}, not ${quoted(text)}`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** Changes the names that it matches; undefined for the others. */
type Rule = (name: string) => string | undefined

/** Renames by several rules in order, each applied to what the one before has made of the name. */
export class RenameRules {
  readonly #rules: readonly (readonly [text: string, apply: Rule])[]
  readonly #unused: Set<string>
  /** What the rules were asked about. */
  readonly #names: string[] = []

  /** @throws UsageError for a rule that is not FROM=TO, or whose sides have different numbers of stars. */
  constructor(texts: readonly string[]) {
    this.#rules = texts.map((text) => [text, parseRule(text)])
    this.#unused = new Set(texts)
  }

  /** The new name. */
  readonly rename = (name: string): string => {
    if (this.#unused.size > 0) this.#names.push(name)
    let current = name
    for (const [text, apply] of this.#rules) {
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
