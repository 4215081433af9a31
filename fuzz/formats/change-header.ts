/** Changes to safetensors headers: by tokens of JSON, or a new one whose tensors tile their data. */

import { join } from "../engine/mutate.ts"
import type { Random } from "../engine/random.ts"

const DTYPES: readonly (readonly [string, number])[] = [
  ...([
    ["F32", 4],
    ["BF16", 2],
    ["U8", 1],
    ["BOOL", 1],
    ["C64", 8],
    ["F4", 0.5],
    ["F6_E2M3", 0.75],
    ["F8_E8M0", 1],
    ["I64", 8],
  ] as const),
]
const NAMES = [
  "a",
  "b",
  "__metadata__",
  "10",
  "2",
  "__proto__",
  "é",
  "\\u0061",
  "\\ud83d\\ude00",
  "\\ud800",
  "\\u0000",
  "",
  "constructor",
]
const TOKENS = /"(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*|[a-z]+|[[\]{}:,]|\s+|./gsu
const VALUES = [
  "0",
  "1",
  "2",
  "8",
  "4.0",
  "4e0",
  "-0",
  "-1",
  "01",
  "9007199254740992",
  "18446744073709551615",
  "18446744073709551616",
  "null",
  "true",
  "[]",
  "{}",
  '"x"',
  "1e999",
  "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
]

export function changeHeader(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  if (random.oneIn(3)) return wrap(newHeader(random), random)
  const mine = tokensOf(bytes)
  const theirs = tokensOf(other)
  for (let left = 1 + random.below(4); left > 0; left--) changeTokens(mine, theirs, random)
  return wrap(mine.join(""), random)
}

/** The text behind the first byte, and behind the length where the first byte says that there is one. */
function tokensOf(bytes: Uint8Array): string[] {
  const isFile = ((bytes[0] ?? 0) & 1) === 0
  return (
    Buffer.from(bytes.subarray(isFile ? 9 : 1))
      .toString("utf8")
      .match(TOKENS) ?? []
  )
}

/** Mostly as JSON, at times as a file with its length. */
function wrap(json: string, random: Random): Uint8Array {
  const text = new Uint8Array(Buffer.from(json))
  if (!random.oneIn(6)) return join(Uint8Array.of(1), text)
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true)
  return join(Uint8Array.of(0), length, text, new Uint8Array(random.pick([0, 0, 1, 4, 8, 16])))
}

function changeTokens(tokens: string[], others: readonly string[], random: Random): void {
  const at = random.below(tokens.length + 1)
  const length = 1 + random.below(8)
  switch (random.below(6)) {
    case 0:
      tokens.splice(at, length)
      break
    case 1:
      tokens.splice(at, 0, ...tokens.slice(random.below(tokens.length), random.below(tokens.length) + length))
      break
    case 2: {
      const from = random.below(others.length)
      tokens.splice(at, random.below(2) * length, ...others.slice(from, from + length))
      break
    }
    case 3:
      tokens.splice(at, random.below(2), `"${random.pick(NAMES)}"`)
      break
    case 4:
      tokens.splice(
        at,
        0,
        random.pick([" ", "\n", ",", ":", "{", "}", "[", "]", '"', "\\", "\u0001", "\ufeff"]),
      )
      break
    default:
      tokens.splice(at, random.below(2), random.pick(VALUES))
  }
}

function newHeader(random: Random): string {
  let at = 0
  const rows: string[] = []
  for (let left = random.below(4); left > 0; left--) {
    const [dtype, bytes] = random.pick(DTYPES)
    const shape = Array.from({ length: random.below(4) }, () => random.pick([0, 1, 2, 4, 8]))
    const size = Math.ceil(shape.reduce((product, each) => product * each, 1) * bytes)
    const end = at + (random.oneIn(12) ? random.below(9) : size)
    const fields = [`"dtype":"${dtype}"`, `"shape":[${shape.join(",")}]`, `"data_offsets":[${at},${end}]`]
    if (random.oneIn(8))
      fields.splice(random.below(4), random.below(2), `"${random.pick(NAMES)}":${random.pick(VALUES)}`)
    rows.push(`"${random.pick(NAMES)}${random.oneIn(2) ? left : ""}":{${fields.join(",")}}`)
    at = end
  }
  if (random.oneIn(3)) rows.unshift(`"__metadata__":{"format":"pt"${random.oneIn(4) ? ',"é":"\\n"' : ""}}`)
  return `{${rows.join(",")}}${" ".repeat(random.below(9))}`
}
