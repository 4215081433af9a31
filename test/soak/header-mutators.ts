/** Changes to the header of a safetensors file, token by token. */

import { BYTE_MUTATORS } from "./byte-mutators.ts"
import { BROKEN_TEXTS, INTEGERS, TEXTS } from "./interesting.ts"
import { concat, integerBytes } from "./pickle-ops.ts"
import type { Random, Weighted } from "./random.ts"

/** A string with its quotes, a number, a word, a sign, or white space. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|[{}[\],:]|\s+|[\s\S]/g

const DTYPES = [
  ..."BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ".split(" "),
  ..."I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64 Q8 f32".split(" "),
]

const STRINGS: readonly string[] = [
  ...DTYPES.map((dtype) => `"${dtype}"`),
  ...["dtype", "shape", "data_offsets", "__metadata__", "format", "extra"].map((text) => `"${text}"`),
  ...TEXTS.map((text) => JSON.stringify(Buffer.from(text).toString())),
  ...[
    '"\\u0061"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud83d\\ude42"',
    '"\\ud800\\u0061"',
    '"\\u00e9"',
    '"\\/"',
    '"\\x"',
  ],
  ...[
    '"\u0001"',
    '"\n"',
    '"\\u12"',
    '"',
    '"\\u005f_metadata__"',
    '"\\b\\f\\n\\r\\t"',
    '"\\u0000"',
    '"\\uD83D\\uDE42"',
  ],
]

const NUMBERS: readonly string[] = [
  ...INTEGERS.map(String),
  ...[
    "-0",
    "00",
    "01",
    "1.0",
    "1e0",
    "1E2",
    "0.5",
    "-1",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e999",
    "-1e999",
    "0x10",
    "NaN",
  ],
]

const OTHERS: readonly string[] = [
  ...[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "\t",
    "\r",
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "[[]]",
    "Infinity",
  ],
  ...[
    '{"a":1}',
    '[{"a":[]}]',
    '"a":',
    "[".repeat(20),
    `${"[".repeat(17)}${"]".repeat(17)}`,
    "\u00a0",
    "\ufeff",
    "//",
  ],
]

type TokenMutator = (tokens: readonly string[], random: Random) => readonly string[]

function put(tokens: readonly string[], at: number, ...by: readonly string[]): readonly string[] {
  return [...tokens.slice(0, at), ...by, ...tokens.slice(at + 1)]
}

function place(tokens: readonly string[], pattern: RegExp, random: Random): number | undefined {
  const found = tokens.flatMap((token, i) => (pattern.test(token) ? [i] : []))
  return found.length === 0 ? undefined : random.pick(found)
}

const changeNumber: TokenMutator = (tokens, random) => {
  const at = place(tokens, /^-?[0-9]/, random)
  if (at === undefined) return tokens
  const before = /^[0-9]+$/.test(tokens[at] ?? "") ? BigInt(tokens[at] ?? "0") : 0n
  const near = (): string => String(before + BigInt(random.pick([1, -1, 2, 4, 8, -8])))
  return put(tokens, at, random.chance(0.5) ? random.pick(NUMBERS) : near())
}

const changeString: TokenMutator = (tokens, random) => {
  const at = place(tokens, /^"/, random)
  if (at === undefined) return tokens
  const own = tokens[place(tokens, /^"/, random) ?? at] ?? '""'
  return put(tokens, at, random.chance(0.3) ? own : random.pick(STRINGS))
}

const anyToken = (random: Random): string => random.pick(random.pick([STRINGS, NUMBERS, OTHERS]))

const swap: TokenMutator = (tokens, random) => {
  const [a, b] = [random.below(tokens.length), random.below(tokens.length)]
  return put(put(tokens, a, tokens[b] ?? ""), b, tokens[a] ?? "")
}

/** A pair of a key and its value, or an item, by the brackets around it. */
function entryAt(tokens: readonly string[], random: Random): readonly [from: number, to: number] | undefined {
  const from = place(tokens, /^"/, random)
  if (from === undefined || tokens[from + 1] !== ":") return undefined
  let depth = 0
  for (let to = from; to < tokens.length; to++) {
    const token = tokens[to] ?? ""
    if (token === "{" || token === "[") depth++
    if (token === "}" || token === "]") depth--
    if (depth < 0 || (depth === 0 && token === ",")) return [from, to]
  }
  return undefined
}

const repeatEntry: TokenMutator = (tokens, random) => {
  const entry = entryAt(tokens, random)
  if (entry === undefined) return tokens
  const [from, to] = entry
  return [...tokens.slice(0, to), ",", ...tokens.slice(from, to), ...tokens.slice(to)]
}

const dropEntry: TokenMutator = (tokens, random) => {
  const entry = entryAt(tokens, random)
  if (entry === undefined) return tokens
  const [from, to] = entry
  const after = tokens[to] === "," ? to + 1 : to
  const before = tokens[to] !== "," && tokens[from - 1] === "," ? from - 1 : from
  return [...tokens.slice(0, before), ...tokens.slice(after)]
}

const addEntry: TokenMutator = (tokens, random) => {
  const entry = entryAt(tokens, random)
  if (entry === undefined) return tokens
  const value = random.pick([...OTHERS.slice(10), ...NUMBERS, ...STRINGS])
  return [...tokens.slice(0, entry[0]), random.pick(STRINGS), ":", value, ",", ...tokens.slice(entry[0])]
}

const MUTATORS: readonly Weighted<readonly [string, TokenMutator]>[] = [
  [8, ["number", changeNumber]],
  [6, ["string", changeString]],
  [2, ["replace", (tokens, random) => put(tokens, random.below(tokens.length), anyToken(random))]],
  [
    3,
    [
      "insert",
      (t, random) => put(t, random.below(t.length), anyToken(random), t[random.below(t.length)] ?? ""),
    ],
  ],
  [
    2,
    [
      "space",
      (t, random) => {
        const at = random.below(t.length + 1)
        return [...t.slice(0, at), random.pick([" ", "\n", "\t", "\r", "  "]), ...t.slice(at)]
      },
    ],
  ],
  [2, ["delete", (tokens, random) => put(tokens, random.below(tokens.length))]],
  [3, ["swap", swap]],
  [3, ["repeat-entry", repeatEntry]],
  [3, ["drop-entry", dropEntry]],
  [3, ["add-entry", addEntry]],
]

const BROKEN = BROKEN_TEXTS.map((text) => Buffer.from(text))

/** A mutant of a safetensors file, and what was done to it. */
export function mutateHeader(
  file: Uint8Array,
  random: Random,
): { bytes: Uint8Array; chain: readonly string[] } {
  const data = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const end = 8 + Number(data.readBigUInt64LE(0))
  const chain: string[] = []
  let tokens: readonly string[] = data.toString("utf8", 8, end).trimEnd().match(TOKEN) ?? []
  const count = random.pick([1, 1, 1, 2, 3])
  for (let i = 0; i < count; i++) {
    const [name, mutate] = random.weighted(MUTATORS)
    tokens = mutate(tokens, random)
    chain.push(`header:${name}`)
  }
  let json: Uint8Array = Buffer.from(tokens.join(""))
  if (random.chance(0.04)) {
    const at = random.below(json.length)
    json = concat([json.subarray(0, at), random.pick(BROKEN), json.subarray(at)])
    chain.push("header:broken-text")
  }
  if (random.chance(0.6)) {
    const pad = random.chance(0.9) ? " " : random.pick(["\n", "\t", "\0", "x"])
    json = concat([json, Buffer.from(pad.repeat((8 - (json.length % 8)) % 8))])
  }
  let length = BigInt(json.length)
  if (random.chance(0.08)) {
    length = random.chance(0.5) ? length + BigInt(random.pick([1, -1, 8, -8])) : random.pick(INTEGERS)
    chain.push(`header:length = ${length}`)
  }
  let body: Uint8Array = data.subarray(end)
  if (random.chance(0.1)) {
    const [name, mutate] = random.weighted(BYTE_MUTATORS)
    body = mutate(body, random, json)
    chain.push(`data:${name}`)
  }
  return { bytes: concat([integerBytes(length, 8), json, body]), chain }
}
