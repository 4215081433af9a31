/** Containers, and stepping through their items without making a list of them: they may have millions. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import {
  PickleDict,
  type PickleEntry,
  PickleFloat,
  PickleList,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "../pickle/values.ts"
import { NAME_DUPLICATE } from "../safetensors/errors.ts"

/** A value with others in it. */
export type Container = PickleDict | PickleList | PickleTuple | PickleSet

export function isContainer(value: PickleValue): value is Container {
  return (
    value instanceof PickleDict ||
    value instanceof PickleList ||
    value instanceof PickleTuple ||
    value instanceof PickleSet
  )
}

/** Stands on one item of a container at a time, in order; before the first to begin with. */
export class ChildCursor {
  /** The item's key in a mapping, its index in a sequence, undefined in a set. */
  key: PickleValue | undefined
  value: PickleValue = null
  readonly #entries: Iterator<PickleEntry> | undefined
  readonly #items: readonly PickleValue[]
  readonly #keyed: boolean
  #next = 0

  constructor(container: Container) {
    const isDict = container instanceof PickleDict
    this.#entries = isDict ? container.entries() : undefined
    this.#items = isDict || container.size === 0 ? [] : container.items
    this.#keyed = !(container instanceof PickleSet)
  }

  /** Goes on to the next item; false when there is none. */
  next(): boolean {
    if (this.#entries !== undefined) {
      const { done, value } = this.#entries.next()
      if (done === true) return false
      this.key = value.key
      this.value = value.value
      return true
    }
    const index = this.#next
    if (index >= this.#items.length) return false
    this.#next = index + 1
    if (this.#keyed) this.key = index
    this.value = this.#items[index] as PickleValue
    return true
  }
}

/**
 * The child whose key is spelled `step`; blanks between the items of a tuple may be left out. Undefined when there is
 * none.
 *
 * @throws `name-duplicate` where several keys are spelled so: 1 and "1", say.
 */
export function childAt(container: Container, step: string): PickleEntry | undefined {
  return childSpelled(container, step, spellKey) ?? (step[0] === "(" ? tupleAt(container, step) : undefined)
}

function tupleAt(container: Container, step: string): PickleEntry | undefined {
  const spell = (key: PickleValue | undefined): string | undefined => {
    const text = key instanceof PickleTuple ? spellKey(key) : undefined
    return text === undefined ? undefined : withoutBlanks(text)
  }
  return childSpelled(container, withoutBlanks(step), spell)
}

function withoutBlanks(text: string): string {
  return text.replaceAll(" ", "")
}

function childSpelled(
  container: Container,
  step: string,
  spell: (key: PickleValue | undefined) => string | undefined,
): PickleEntry | undefined {
  let found: PickleEntry | undefined
  for (const children = new ChildCursor(container); children.next(); ) {
    const { key, value } = children
    // What has no key, a member of a set, has no spelling.
    if (key === undefined || spell(key) !== step) continue
    if (found !== undefined) {
      throw new CheckpointError(NAME_DUPLICATE, { name: step, problem: "two keys are spelled so" })
    }
    found = { key, value }
  }
  return found
}

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
