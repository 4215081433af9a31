/**
 * Paths of keys as one text, which people read and type: `model.state_dict`, or a JSON array where keys hold dots
 * themselves, `["a.b","c"]`. A key that is a tuple may hold dots between its brackets: `cache.(0.5, 1).weight`.
 */

/** The path as text that `parseKeyPath` reads as this path. */
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
