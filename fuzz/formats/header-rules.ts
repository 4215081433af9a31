/**
 * The rules of the format a second time, over what `JSON.parse` makes of the text. What `JSON.parse` hides, names given
 * twice and how numbers are written, is found by a walk over tokens of its own.
 */

import type { SafetensorsHeader } from "../../src/safetensors/parse-header.ts"

const BITS: ReadonlyMap<string, bigint> = new Map([
  ...["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E5M2FNUZ", "F8_E4M3FNUZ", "F8_E8M0"].map(
    (name) => [name, 8n] as const,
  ),
  ...["I16", "U16", "F16", "BF16"].map((name) => [name, 16n] as const),
  ...["I32", "U32", "F32"].map((name) => [name, 32n] as const),
  ...["F64", "I64", "U64", "C64"].map((name) => [name, 64n] as const),
  ...([
    ["F4", 4n],
    ["F6_E2M3", 6n],
    ["F6_E3M2", 6n],
  ] as const),
])

const MOST_NESTING = 16
const MOST_RANK = 64

/** The header in one line of text, when no rule is broken. */
export function acceptedByRules(file: Uint8Array, fileLength: number): string | undefined {
  if (file.length < 8) return undefined
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)
  if (length > BigInt(fileLength - 8) || length > 100_000_000n || length > BigInt(file.length - 8))
    return undefined
  const text = decode(file.subarray(8, 8 + Number(length)))
  if (text === undefined || !text.startsWith("{")) return undefined
  const json = text.replace(/ +$/, "")
  if (!json.endsWith("}") || hasDuplicates(json)) return undefined
  const value = parse(json)
  if (value === undefined || !value.isWellFormed) return undefined
  return checkHeader(value.root, fileLength - 8 - Number(length))
}

/** What the library read, written as above. */
export function plainHeader({ metadata, tensors }: SafetensorsHeader): string {
  const rows = Array.from(tensors, ([name, { dtype, shape, start, end }]) => [name, dtype, shape, start, end])
  return JSON.stringify([metadata === undefined ? null : [...metadata], rows])
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** An integer as it was written; any other number is not one. */
class Integer {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

/** Pairs, because an object sorts names that look like numbers. */
class Pairs {
  readonly pairs: readonly (readonly [string, unknown])[]

  constructor(pairs: readonly (readonly [string, unknown])[]) {
    this.pairs = pairs
  }
}

/** Tokens of text that `JSON.parse` has accepted: strings, numbers, words, brackets. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|[[\]{}:,]/gsu

/** The value with its pairs in order and its integers exact; undefined when it is no JSON. */
function parse(json: string): { root: unknown; isWellFormed: boolean } | undefined {
  try {
    JSON.parse(json)
  } catch {
    return undefined
  }
  const tokens = json.match(TOKEN) ?? []
  let next = 0
  let isWellFormed = true
  let deepest = 0
  const read = (depth: number): unknown => {
    deepest = Math.max(deepest, depth)
    const token = tokens[next++] as string
    if (token === "{" || token === "[") {
      deepest = Math.max(deepest, depth + 1)
      const pairs: (readonly [string, unknown])[] = []
      while (tokens[next] !== "}" && tokens[next] !== "]") {
        if (tokens[next] === ",") next++
        const key = token === "{" ? text(tokens[next++] as string) : ""
        if (token === "{") next++
        pairs.push([key, read(depth + 1)])
      }
      next++
      return token === "{" ? new Pairs(pairs) : pairs.map(([, item]) => item)
    }
    if (token.startsWith('"')) return text(token)
    if (/^-?[0-9]/.test(token)) return number(token)
    return JSON.parse(token)
  }
  const text = (token: string): string => {
    const value = JSON.parse(token) as string
    if (/[\ud800-\udfff]/u.test(value)) isWellFormed = false
    return value
  }
  const number = (token: string): unknown => {
    if (!Number.isFinite(Number(token))) isWellFormed = false
    return /^-?[0-9]{1,20}$/.test(token) && token !== "-0" ? new Integer(BigInt(token)) : Number(token)
  }
  const root = read(0)
  return { root, isWellFormed: isWellFormed && deepest <= MOST_NESTING }
}

/** True when an object of the first three levels, or what stands for one, has a key twice. */
function hasDuplicates(json: string): boolean {
  const value = parse(json)
  if (!(value?.root instanceof Pairs)) return false
  const twice = ({ pairs }: Pairs): boolean => new Set(pairs.map(([key]) => key)).size < pairs.length
  if (twice(value.root)) return true
  return value.root.pairs.some(([, item]) => item instanceof Pairs && twice(item))
}

function checkHeader(root: unknown, dataLength: number): string | undefined {
  if (!(root instanceof Pairs)) return undefined
  let metadata: readonly (readonly [string, string])[] | null = null
  const rows: (readonly [string, string, readonly number[], number, number])[] = []
  for (const [name, value] of root.pairs) {
    if (name !== "__metadata__") {
      const row = checkTensor(value)
      if (row === undefined) return undefined
      rows.push([name, ...row])
      continue
    }
    if (value === null) continue
    if (!(value instanceof Pairs) || value.pairs.some(([, item]) => typeof item !== "string"))
      return undefined
    metadata = value.pairs as readonly (readonly [string, string])[]
  }
  let at = 0
  for (const [, , , start, end] of [...rows].sort((a, b) => a[3] - b[3] || a[4] - b[4])) {
    if (start !== at) return undefined
    at = end
  }
  return at === dataLength ? JSON.stringify([metadata, rows]) : undefined
}

function checkTensor(value: unknown): readonly [string, readonly number[], number, number] | undefined {
  if (!(value instanceof Pairs)) return undefined
  const fields = new Map(value.pairs)
  const dtype = fields.get("dtype")
  const shape = integers(fields.get("shape"))
  const offsets = integers(fields.get("data_offsets"))
  const bits = typeof dtype === "string" ? BITS.get(dtype) : undefined
  if (bits === undefined || shape === undefined || shape.length > MOST_RANK || offsets?.length !== 2)
    return undefined
  const [start = 0n, end = 0n] = offsets
  const size = sizeInBits(bits, shape)
  if (size === undefined || size % 8n !== 0n || end < start || size / 8n !== end - start) return undefined
  return [dtype as string, shape.map(Number), Number(start), Number(end)]
}

/** As the reference multiplies: in order, and no step may pass 2^64 - 1, the bits last. */
function sizeInBits(bits: bigint, shape: readonly bigint[]): bigint | undefined {
  let product = 1n
  for (const size of [...shape, bits]) {
    product *= size
    if (product >= 1n << 64n) return undefined
  }
  return product
}

function integers(value: unknown): readonly bigint[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.map((item) => (item instanceof Integer ? item.value : -1n))
  return items.every((item) => item >= 0n && item < 1n << 53n) ? items : undefined
}
