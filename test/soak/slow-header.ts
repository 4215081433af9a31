/**
 * What a safetensors file says, and whether it is one: read with a plain JSON grammar that keeps every key and every
 * digit, then held against the rules of the format one after the other.
 */

/** `valid`: by every rule. `strict`: breaks a rule that the reference reader lets pass. `invalid`: by both. */
export type HeaderVerdict =
  | {
      readonly is: "valid"
      readonly metadata: ReadonlyMap<string, string>
      readonly tensors: ReadonlyMap<string, string>
    }
  | { readonly is: "strict" | "invalid"; readonly why: string }

class Invalid extends Error {}

/** Breaks a rule that the reference does not hold files to. Whether it accepts the file then depends on the rest. */
class Strict extends Error {}

type Json = null | boolean | string | JsonNumber | Json[] | JsonObject

class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

class JsonObject {
  readonly entries: (readonly [key: string, value: Json])[] = []
}

const BITS: ReadonlyMap<string, bigint> = new Map([
  ["F4", 4n],
  ["F6_E2M3", 6n],
  ["F6_E3M2", 6n],
  ...["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"].map(
    (name) => [name, 8n] as const,
  ),
  ...["I16", "U16", "F16", "BF16"].map((name) => [name, 16n] as const),
  ...["I32", "U32", "F32"].map((name) => [name, 32n] as const),
  ...["C64", "F64", "I64", "U64"].map((name) => [name, 64n] as const),
])

const MAX = 2n ** 64n - 1n
const MOST_NESTING = 16
const REFERENCE_NESTING = 127

/** JSON by its grammar. Faults of the strict kind are noted and reading goes on. */
class Parser {
  readonly #text: string
  readonly strict: string[] = []
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  space(): void {
    while (" \n\r\t".includes(this.#text[this.at] ?? "x")) this.at++
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)?.[0]
    this.at += found?.length ?? 0
    return found
  }

  expect(sign: string): void {
    if (this.#text[this.at] !== sign) throw new Invalid(`no ${sign} at ${this.at}`)
    this.at++
  }

  value(depth: number): Json {
    this.space()
    const next = this.#text[this.at]
    if (next === "{" || next === "[") {
      if (depth >= REFERENCE_NESTING) throw new Invalid("too deep")
      if (depth >= MOST_NESTING) this.strict.push("deep")
      return next === "{" ? this.#object(depth + 1) : this.#array(depth + 1)
    }
    if (next === '"') return this.string()
    const word = this.take(/true|false|null/y)
    if (word !== undefined) return word === "null" ? null : word === "true"
    const number = this.take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y)
    if (number === undefined) throw new Invalid(`no value at ${this.at}`)
    // The reference makes a double of every number, those in fields that it passes over too.
    if (!Number.isFinite(Number(number))) throw new Invalid("a number out of range")
    return new JsonNumber(number)
  }

  string(): string {
    // Control characters must be escaped.
    const raw = this.take(/"(?:[^"\\\0-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y)
    if (raw === undefined) throw new Invalid(`no string at ${this.at}`)
    const text = JSON.parse(raw) as string
    // Halves of surrogate pairs cannot be written in UTF-8.
    if (/[\ud800-\udfff]/u.test(text)) throw new Invalid("half a character")
    return text
  }

  #object(depth: number): JsonObject {
    const object = new JsonObject()
    this.expect("{")
    this.space()
    if (this.take(/\}/y) !== undefined) return object
    do {
      this.space()
      const key = this.string()
      this.space()
      this.expect(":")
      object.entries.push([key, this.value(depth)])
      this.space()
    } while (this.take(/,/y) !== undefined)
    this.expect("}")
    return object
  }

  #array(depth: number): Json[] {
    const items: Json[] = []
    this.expect("[")
    this.space()
    if (this.take(/\]/y) !== undefined) return items
    do {
      items.push(this.value(depth))
      this.space()
    } while (this.take(/,/y) !== undefined)
    this.expect("]")
    return items
  }
}

/** Reads the header of `file` and judges it. */
export function slowHeader(file: Uint8Array): HeaderVerdict {
  const strict: string[] = []
  try {
    const read = judge(file, strict)
    const [why] = strict
    return why === undefined ? { is: "valid", ...read } : { is: "strict", why }
  } catch (error) {
    if (error instanceof Invalid) return { is: "invalid", why: error.message }
    if (error instanceof Strict) return { is: "strict", why: error.message }
    throw error
  }
}

function judge(
  file: Uint8Array,
  strict: string[],
): { metadata: ReadonlyMap<string, string>; tensors: ReadonlyMap<string, string> } {
  const data = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  if (data.length < 8) throw new Invalid("too short")
  const length = data.readBigUInt64LE(0)
  if (length > 100_000_000n || length > BigInt(data.length - 8)) throw new Invalid("no header of that length")
  const bytes = data.subarray(8, 8 + Number(length))
  const text = bytes.toString("utf8")
  if (!Buffer.from(text).equals(bytes)) throw new Invalid("not UTF-8")
  const parser = new Parser(text)
  parser.space()
  if (parser.at > 0) strict.push("white space before")
  const top = parser.value(0)
  strict.push(...parser.strict)
  parser.take(/ */y)
  if (parser.take(/[\n\r\t][ \n\r\t]*/y) !== undefined) strict.push("padding")
  if (parser.at !== text.length) throw new Invalid("more than a value")
  if (!(top instanceof JsonObject)) throw new Invalid("no object")

  let metadata: ReadonlyMap<string, string> | undefined
  let metadataSeen = false
  const tensors = new Map<string, string>()
  const ranges: (readonly [start: bigint, end: bigint])[] = []
  const names = top.entries.map(([name]) => name).filter((name) => name !== "__metadata__")
  // The reference keeps the last of two, and may accept or refuse what is left.
  if (new Set(names).size < names.length) throw new Strict("a name twice")
  for (const [name, value] of top.entries) {
    if (name === "__metadata__") {
      if (metadataSeen) throw new Invalid("metadata twice")
      metadataSeen = true
      metadata = readMetadata(value, strict)
      continue
    }
    const { dtype, shape, start, end } = readEntry(value, strict)
    tensors.set(name, JSON.stringify([dtype, shape.map(String), String(start), String(end)]))
    ranges.push([start, end])
    checkSize(dtype, shape, start, end)
  }
  let at = 0n
  ranges.sort(([a, x], [b, y]) => (a === b ? Number(x - y) : Number(a - b)))
  for (const [start, end] of ranges) {
    if (start !== at) throw new Invalid("a hole or an overlap")
    at = end
  }
  if (at !== BigInt(data.length - 8) - length) throw new Invalid("data left over or missing")
  return { metadata: metadata ?? new Map(), tensors }
}

function readMetadata(value: Json, strict: string[]): ReadonlyMap<string, string> | undefined {
  if (value === null) return undefined
  if (!(value instanceof JsonObject)) throw new Invalid("metadata is no object")
  const metadata = new Map<string, string>()
  for (const [key, text] of value.entries) {
    if (typeof text !== "string") throw new Invalid("metadata is no text")
    if (metadata.has(key)) strict.push("a metadata key twice")
    metadata.set(key, text)
  }
  return metadata
}

interface Entry {
  readonly dtype: string
  readonly shape: readonly bigint[]
  readonly start: bigint
  readonly end: bigint
}

const FIELDS = ["dtype", "shape", "data_offsets"]

function readEntry(value: Json, strict: string[]): Entry {
  let given: Json[]
  if (Array.isArray(value)) {
    if (value.length !== 3) throw new Invalid("not three fields")
    strict.push("an entry as an array")
    given = value
  } else if (value instanceof JsonObject) {
    const unknown = new Set<string>()
    for (const [key] of value.entries) {
      if (FIELDS.includes(key)) continue
      if (unknown.has(key)) strict.push("an unknown field twice")
      unknown.add(key)
    }
    given = FIELDS.map((field) => {
      const values = value.entries.filter(([key]) => key === field)
      if (values.length !== 1) throw new Invalid(`${field}: ${values.length} times`)
      return values[0]?.[1] ?? null
    })
  } else {
    throw new Invalid("an entry that is no object")
  }
  const [dtype = null, shape = null, offsets = null] = given
  const sizes = integers(shape)
  const [start, end, ...rest] = integers(offsets)
  if (start === undefined || end === undefined || rest.length > 0) throw new Invalid("not two offsets")
  if (sizes.length > 64) strict.push("more than 64 dimensions")
  if (sizes.some((size) => size > 2n ** 53n - 1n)) strict.push("a dimension above 2^53 - 1")
  return { dtype: dtypeOf(dtype, strict), shape: sizes, start, end }
}

function dtypeOf(value: Json, strict: string[]): string {
  let name: Json = value
  if (value instanceof JsonObject) {
    const [first, ...rest] = value.entries
    if (first === undefined || rest.length > 0 || first[1] !== null) throw new Invalid("no dtype")
    strict.push("a dtype as an object")
    name = first[0]
  }
  if (typeof name !== "string" || !BITS.has(name)) throw new Invalid("no dtype")
  return name
}

function integers(value: Json): readonly bigint[] {
  if (!Array.isArray(value)) throw new Invalid("no array")
  return value.map((item) => {
    if (!(item instanceof JsonNumber) || !/^[0-9]+$/.test(item.text) || BigInt(item.text) > MAX) {
      throw new Invalid("not an integer from 0 up")
    }
    return BigInt(item.text)
  })
}

function checkSize(dtype: string, shape: readonly bigint[], start: bigint, end: bigint): void {
  if (end < start) throw new Invalid("offsets reversed")
  let bits = 1n
  for (const factor of [...shape, BITS.get(dtype) ?? 0n]) {
    bits *= factor
    if (bits > MAX) throw new Invalid("a size above 2^64 - 1")
  }
  if (bits % 8n !== 0n) throw new Invalid("not whole bytes")
  if (bits / 8n !== end - start) throw new Invalid("another size")
}
