/** The options that say how a checkpoint is fetched and read, and what is taken from it. */

import type { ConvertOptions, Limits } from "../node/index.ts"
import { DEFAULT_LIMITS } from "../node/index.ts"
import { parseKeyPath } from "../text/key-path.ts"
import type { CommandLine, OptionValues } from "./arguments.ts"
import { RenameRules } from "./rename-rules.ts"
import { quoted, sayFew } from "./shown-text.ts"
import { readHttp } from "./url-input.ts"
import { UsageError } from "./usage-error.ts"

/** What was selected, as options of the library. */
export interface Selection {
  readonly options: ConvertOptions
  /** Undefined when nothing is renamed. */
  readonly renaming: RenameRules | undefined
}

/** @throws UsageError for a value that an option does not take. */
export function readSelection(line: CommandLine, signal: AbortSignal): Selection {
  const { options: values } = line
  const renames = values.texts("rename")
  const renaming = renames.length === 0 ? undefined : new RenameRules(renames)
  const include = values.texts("include")
  const exclude = values.texts("exclude")
  const keep = values.texts("keep")
  const options = {
    signal,
    root: readRoot(values),
    include: include.length === 0 ? undefined : include,
    exclude: exclude.length === 0 ? undefined : exclude,
    rename: renaming?.rename,
    keep: keep.length === 0 ? undefined : keep,
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
  name: string,
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
