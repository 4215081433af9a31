/** How the keys of a checkpoint are spelled, in paths and in names of tensors. */

import type { PickleValue } from "../pickle/values.ts"
import { PickleFloat, PickleTuple } from "../pickle/values.ts"

/** Tuples that serve as keys are short (sizes, indices). One tuple may stand in many keys, so that each is kept so. */
const MOST_UNITS = 128
const MOST_DEPTH = 4

/**
 * A key as text: text is itself, everything else is what Python's `str` makes of it: `7`, `True`, `None`, `0.5`,
 * `(10, 'a')`. Undefined where there is no such spelling (an object, a set, bytes) or where it would be long.
 */
export function spellKey(key: PickleValue | undefined): string | undefined {
  if (typeof key === "string") return key
  if (typeof key === "number" || typeof key === "bigint") return String(key)
  if (key === undefined) return undefined
  const text = spellPart(key, 0)
  return text === undefined || text.length > MOST_UNITS ? undefined : text
}

/** As `repr`: what stands in a tuple, or alone where it is no text. */
function spellPart(part: PickleValue, depth: number): string | undefined {
  if (part === null) return "None"
  if (part === true) return "True"
  if (part === false) return "False"
  if (typeof part === "number" || typeof part === "bigint") return String(part)
  if (typeof part === "string") return part.length > MOST_UNITS ? undefined : quoteAsPython(part)
  if (part instanceof PickleFloat) return spellFloat(part.value)
  return part instanceof PickleTuple && depth < MOST_DEPTH ? spellTuple(part, depth) : undefined
}

function spellTuple({ items }: PickleTuple, depth: number): string | undefined {
  let text = "("
  for (const [index, item] of items.entries()) {
    const spelled = spellPart(item, depth + 1)
    if (spelled === undefined) return undefined
    text += index === 0 ? spelled : `, ${spelled}`
    if (text.length > MOST_UNITS) return undefined
  }
  return items.length === 1 ? `${text},)` : `${text})`
}

/** Python takes double quotes where only single ones stand in the text. Controls stay: whoever shows it escapes them. */
function quoteAsPython(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  return quote + text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) + quote
}

/** The shortest digits that give the number again, as in JavaScript, but another choice of where an exponent stands. */
function spellFloat(value: number): string {
  if (Number.isNaN(value)) return "nan"
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf"
  if (Object.is(value, -0)) return "-0.0"
  const [digits = "", exponentText = "0"] = value.toExponential().split("e")
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+"
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`
  }
  // Down to 1e-6 and up to 1e21, String writes no exponent.
  const text = String(value)
  return text.includes(".") ? text : `${text}.0`
}
