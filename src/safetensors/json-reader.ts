/**
 * A strict JSON reader (RFC 8259) for headers.
 *
 * `JSON.parse` will not do: it hides duplicate keys, takes `4.0` for an integer, rounds above 2^53 and knows no
 * positions. This one is asked value by value, calls back for each key and item, and passes over unknown values with
 * a loop, so that nesting costs no stack. What is short, as nearly all is, is read at once; of what is long the reading
 * methods return the rest, which must be done before anything else is read.
 */

import { type Rest, STEP_BYTES, type Steps } from "../bytes/turns.ts"
import { plainText, quoteText } from "../text/quote-text.ts"
import type { HeaderReport, HeaderRule } from "./header-rules.ts"
import { type HeaderText, isNumberUnit, numberToken, scanString, toInteger } from "./header-text.ts"

export type JsonKind = "object" | "array" | "string" | "number" | "true" | "false" | "null"

/** Each kind with its article, for messages. */
const KINDS_SAID: Readonly<Record<JsonKind, string>> = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  true: "true",
  false: "false",
  null: "null",
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const COLON = 0x3a
const BRACKET = 0x5b
const BRACE = 0x7b
/** In ASCII each closing bracket is two after its opening one. */
const TO_CLOSING = 2

const KINDS: ReadonlyMap<number, JsonKind> = new Map([
  [BRACE, "object"],
  [BRACKET, "array"],
  [QUOTE, "string"],
  [MINUS, "number"],
  [0x66, "false"],
  [0x6e, "null"],
  [0x74, "true"],
])

/** Digits of an integer that is below 2^53 whatever they are. */
const SHORT_DIGITS = 15

/** Reads forward through the text of a header. Faults of syntax end the reading. */
export class JsonReader {
  readonly #source: HeaderText
  readonly #text: string
  readonly #report: HeaderReport
  readonly #maxNesting: number
  #index = 0
  #nesting = 0

  /** Faults go to `report`; more than `maxNesting` containers in one another are one. */
  constructor(source: HeaderText, report: HeaderReport, maxNesting: number) {
    this.#source = source
    this.#text = source.text
    this.#report = report
    this.#maxNesting = maxNesting
  }

  /** UTF-16 index of what comes next. */
  get index(): number {
    return this.#index
  }

  /** Adds a finding about what stands at `index`, and about `tensor` where it concerns one. */
  note(rule: HeaderRule, problem: string, index: number, tensor?: string): void {
    this.#report.add(rule, problem, this.#source.fileOffsetOf(index), tensor)
  }

  /** Adds a finding after which nothing more can be read, and returns what to throw. */
  stop(rule: HeaderRule, problem: string, index: number): Error {
    return this.#report.stop(rule, problem, this.#source.fileOffsetOf(index))
  }

  /**
   * Whether a value of this kind comes next. Any other is to be passed over, and gets a finding at `index` (default:
   * where it stands) that begins with `problem` and says what it is.
   */
  isNext(kind: JsonKind, rule: HeaderRule, problem: string, tensor?: string, index?: number): boolean {
    const found = this.kind()
    if (found === kind) return true
    this.note(rule, `${problem} but ${KINDS_SAID[found]}`, index ?? this.#index, tensor)
    return false
  }

  /** What kind of value comes next. */
  kind(): JsonKind {
    const unit = this.#peek()
    const kind = unit >= 0x30 && unit <= 0x39 ? "number" : KINDS.get(unit)
    if (kind === undefined) throw this.#expected("a value")
    return kind
  }

  /** Reads an object. `onKey` is told each key and its index, and must read or skip the value. */
  readObject(onKey: (key: string, keyIndex: number) => Rest): Rest {
    return this.#readItems(BRACE, () => {
      this.#peek()
      const keyIndex = this.#index
      return onKey(this.#readKey(), keyIndex)
    })
  }

  /** Reads an array. `onItem` must read or skip each item. */
  readArray(onItem: () => Rest): Rest {
    return this.#readItems(BRACKET, onItem)
  }

  #readItems(bracket: number, onItem: () => Rest): Rest {
    this.#open(bracket)
    if (!this.#take(bracket + TO_CLOSING)) {
      const enough = this.#index + STEP_BYTES
      do {
        const rest = onItem()
        if (rest !== undefined || this.#index > enough) return this.#restOfItems(bracket, onItem, rest)
      } while (this.#more(bracket + TO_CLOSING))
    }
    this.#nesting--
    return undefined
  }

  *#restOfItems(bracket: number, onItem: () => Rest, first: Rest): Steps<void> {
    if (first !== undefined) yield* first
    let enough = this.#index + STEP_BYTES
    while (this.#more(bracket + TO_CLOSING)) {
      const rest = onItem()
      if (rest !== undefined) yield* rest
      if (this.#index < enough) continue
      enough = this.#index + STEP_BYTES
      yield
    }
    this.#nesting--
  }

  readString(): string {
    if (!this.#take(QUOTE)) throw this.#expected("a string")
    const scanned = scanString(this.#text, this.#index)
    if ("problem" in scanned) throw this.#fault(scanned.problem, this.#index - 1)
    this.#index = scanned.end
    return scanned.value
  }

  /** Reads a number. The result is as of `toInteger`: exact, or undefined when the token is no integer. */
  readInteger(): number | bigint | undefined {
    const start = this.#index
    let value = 0
    let index = start
    for (; index < this.#text.length; index++) {
      const digit = this.#text.charCodeAt(index) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const length = index - start
    const leadingZero = length > 1 && this.#text.charCodeAt(start) === 0x30
    const goesOn = isNumberUnit(this.#text.charCodeAt(index))
    if (length === 0 || length > SHORT_DIGITS || leadingZero || goesOn) {
      return toInteger(this.#readNumberToken())
    }
    this.#index = index
    return value
  }

  /** Passes over a value of any kind. */
  skipValue(): Rest {
    const closers: number[] = []
    return this.#skipSome(closers) ? undefined : this.#restOfValue(closers)
  }

  *#restOfValue(closers: number[]): Steps<void> {
    do yield
    while (!this.#skipSome(closers))
  }

  /** Goes on with a value within `closers`. True when it has ended. */
  #skipSome(closers: number[]): boolean {
    const enough = this.#index + STEP_BYTES
    do {
      if (this.#index > enough) return false
      const opened = this.#skipScalarOrOpen()
      if (opened !== undefined) closers.push(opened)
      else this.#closeEnded(closers)
      if (closers.at(-1) === BRACE + TO_CLOSING) this.#readKey()
    } while (closers.length > 0)
    return true
  }

  /** Requires that nothing but white space is left. */
  expectEnd(): void {
    this.#peek()
    if (this.#index < this.#text.length) throw this.#expected("the end of the header")
  }

  /** Reads a key and its colon. */
  #readKey(): string {
    const key = this.readString()
    if (!this.#take(COLON)) throw this.#expected("a colon")
    return key
  }

  /** Takes the comma before another item (true) or the closing bracket (false). */
  #more(closer: number): boolean {
    if (this.#take(COMMA)) return true
    if (this.#take(closer)) return false
    throw this.#expected(`a comma or ${String.fromCharCode(closer)}`)
  }

  #open(bracket: number): void {
    if (!this.#take(bracket)) throw this.#expected(String.fromCharCode(bracket))
    this.#nesting++
    if (this.#nesting <= this.#maxNesting) return
    throw this.stop(
      "json-nesting",
      `more than ${this.#maxNesting} containers in one another`,
      this.#index - 1,
    )
  }

  /** Skips a scalar or an empty container; of any other container opens it and returns the closing bracket. */
  #skipScalarOrOpen(): number | undefined {
    const kind = this.kind()
    if (kind === "object" || kind === "array") {
      const bracket = kind === "object" ? BRACE : BRACKET
      this.#open(bracket)
      if (!this.#take(bracket + TO_CLOSING)) return bracket + TO_CLOSING
      this.#nesting--
    } else if (kind === "string") this.readString()
    else if (kind === "number") this.#readNumberToken()
    else if (this.#text.startsWith(kind, this.#index)) this.#index += kind.length
    else throw this.#expected("a value")
    return undefined
  }

  /** After a value: takes the comma before the next one, once every container that ends here is closed. */
  #closeEnded(closers: number[]): void {
    for (let closer = closers.at(-1); closer !== undefined; closer = closers.at(-1)) {
      if (this.#more(closer)) return
      closers.pop()
      this.#nesting--
    }
  }

  #readNumberToken(): string {
    const token = numberToken(this.#text, this.#index)
    if (token === undefined) throw this.#expected("a number")
    // serde_json refuses what overflows a double.
    if (!Number.isFinite(Number(token))) throw this.#fault("a number is out of range", this.#index)
    this.#index += token.length
    return token
  }

  /** The next unit that is not white space, which becomes the current one; NaN at the end. */
  #peek(): number {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#index)
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return unit
      this.#index++
    }
  }

  #take(unit: number): boolean {
    if (this.#peek() !== unit) return false
    this.#index++
    return true
  }

  #expected(wanted: string): Error {
    const found = this.#text.codePointAt(this.#index)
    const instead = found === undefined ? "the end" : quoteText(String.fromCodePoint(found))
    return this.#fault(`${plainText(wanted)} expected, ${instead} found`, this.#index)
  }

  #fault(problem: string, index: number): Error {
    return this.stop("json-syntax", problem, index)
  }
}
