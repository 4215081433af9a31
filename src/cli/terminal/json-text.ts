/** JSON for programs, from reports and from the values of a checkpoint. */

import { requireWithinScaled, type ScaledLimit } from "../../node/for-command-line.ts"
import { DEFAULT_LIMITS } from "../../node/index.ts"

/**
 * What quote-text.ts shows to nobody, and what makes a command of a line of a log. Valid only inside a JSON string, which
 * is where `JSON.stringify` leaves them as they are.
 */
const UNSAFE = /(?! )[\p{C}\p{Z}\p{DI}\u2800]|(?<=["\s]):(?=:)|##(?=[A-Za-z]*\[)/gu

const PLAIN = /^[\x20-\x7e]*$/

/** Units of a piece; it may be longer by one text. */
const PIECE_UNITS = 65_536

const USUAL_LIMIT: ScaledLimit = { limit: "outputFloorBytes", allowed: DEFAULT_LIMITS.outputFloorBytes }

/** For what the library makes itself: nothing in a report is written twice. */
export const NO_JSON_LIMIT: ScaledLimit = { limit: "outputFloorBytes", allowed: Number.POSITIVE_INFINITY }

/** As `jsonPieces`, in one piece. */
export function jsonText(value: unknown): string {
  return jsonPieces(value).join("")
}

/**
 * `value` as JSON in one line. Integers beyond 2^53 and numbers that are not finite become text; a Map becomes an
 * object when all its keys are text and a list of pairs otherwise; a Set a list; bytes `{ kind, base64 }`.
 *
 * In pieces, because a text ends at half a gigabyte; and without recursion, because values may be deep.
 *
 * @throws `limit-exceeded` above `limit`, in UTF-16 units: parts of a checkpoint that are shared are written as often as they occur.
 */
export function jsonPieces(value: unknown, limit: ScaledLimit = USUAL_LIMIT): readonly string[] {
  const writer = new JsonWriter(limit)
  const frames: Frame[] = []
  writer.begin(value, frames)
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const item = frame.items.next()
    if (item.done === true) {
      writer.add(frame.keyed ? "}" : "]")
      frames.pop()
      continue
    }
    const [key, part] = frame.keyed ? (item.value as readonly [string, unknown]) : ["", item.value ?? null]
    if (part === undefined) continue
    writer.add(frame.separator)
    frame.separator = ","
    if (frame.keyed) {
      writer.addText(key)
      writer.add(":")
    }
    writer.begin(part, frames)
  }
  return writer.finish()
}

/** A list or an object that is being written. */
interface Frame {
  /** Values, or keys and values. */
  readonly items: Iterator<unknown>
  readonly keyed: boolean
  separator: "" | ","
}

class JsonWriter {
  readonly #limit: ScaledLimit
  readonly #pieces: string[] = []
  /** Joined now and then: a text that grows by adding takes ten times its size until it is read. */
  #parts: string[] = []
  #partUnits = 0
  #units = 0

  constructor(limit: ScaledLimit) {
    this.#limit = limit
  }

  finish(): readonly string[] {
    this.#join()
    return this.#pieces
  }

  /** Writes a scalar, or the opening bracket of what is then on top of `frames`. */
  begin(value: unknown, frames: Frame[]): void {
    if (typeof value === "string") this.addText(value)
    else if (typeof value === "bigint") this.addText(String(value))
    else if (typeof value === "number" && !Number.isFinite(value)) this.addText(String(value))
    else if (typeof value !== "object" || value === null) this.add(JSON.stringify(value) ?? "null")
    else if (value instanceof Uint8Array) this.#addBytes(value)
    else {
      const keyed =
        value instanceof Map ? hasTextKeys(value) : !(Array.isArray(value) || value instanceof Set)
      this.add(keyed ? "{" : "[")
      const items = keyed && !(value instanceof Map) ? Object.entries(value) : (value as Iterable<unknown>)
      frames.push({ items: items[Symbol.iterator](), keyed, separator: "" })
    }
  }

  addText(text: string): void {
    this.#require(text.length + 2)
    const written = JSON.stringify(text)
    // The rule, and a tenth of the time.
    const isPlain = PLAIN.test(written) && !written.includes("::") && !written.includes("##")
    this.add(isPlain ? written : written.replace(UNSAFE, escapeUnits))
  }

  #addBytes({ buffer, byteOffset, byteLength }: Uint8Array): void {
    this.#require(byteLength)
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64")
    this.add(`{"kind":"bytes","base64":"${base64}"}`)
  }

  add(text: string): void {
    this.#require(text.length)
    this.#units += text.length
    this.#parts.push(text)
    this.#partUnits += text.length
    if (this.#partUnits >= PIECE_UNITS) this.#join()
  }

  #join(): void {
    this.#pieces.push(this.#parts.join(""))
    this.#parts = []
    this.#partUnits = 0
  }

  #require(units: number): void {
    requireWithinScaled(this.#limit, this.#units + units, "JSON")
  }
}

function hasTextKeys(map: ReadonlyMap<unknown, unknown>): boolean {
  return [...map.keys()].every((key) => typeof key === "string")
}

function escapeUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")
}
