/** Changes that know nothing of a format: those of AFL's havoc stage, and comparisons' values put in. */

import type { Compared } from "./instruments.ts"
import type { Random } from "./random.ts"

/** What changes draw on. */
export interface Material {
  readonly random: Random
  readonly tokens: readonly Uint8Array[]
  readonly pairs: readonly (readonly [Compared, Compared])[]
  readonly maxLength: number
  other(): Uint8Array
}

const INTERESTING: readonly number[] = [
  ...[0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 257, 512, 1000, 1024, 4096],
  ...[32_767, 32_768, 65_534, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff],
  ...[2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 62, -1, -2],
]

const WIDTHS = [1, 2, 4, 8] as const

/** Some changes, one on top of another. */
export function havoc(input: Uint8Array, material: Material): Uint8Array {
  const { random, maxLength } = material
  let bytes: Uint8Array = input.slice()
  for (let left = 1 << random.below(5); left > 0; left--) {
    bytes = changeOnce(bytes, material)
    if (bytes.length > maxLength) bytes = bytes.slice(0, maxLength)
  }
  return bytes
}

type Change = (bytes: Uint8Array, material: Material) => Uint8Array

/** More often what does less. */
const CHANGES: readonly Change[] = [
  ...[flipBit, flipBit, setByte, setByte, setNumber, setNumber, setNumber, addToNumber, addToNumber],
  ...[removeRun, removeRun, copyRun, copyRun, overwriteRun, putToken, putToken, insertToken, insertToken],
  ...[spliceOther, spliceOther, moveByPair, putPair, putPair, changeDigits, repeatRun, insertBytes, cutEnd],
]

function changeOnce(bytes: Uint8Array, material: Material): Uint8Array {
  if (bytes.length === 0) return material.random.bytes(1 + material.random.below(8))
  return material.random.pick(CHANGES)(bytes, material)
}

function flipBit(bytes: Uint8Array, { random }: Material): Uint8Array {
  const at = random.below(bytes.length)
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
  return bytes
}

function setByte(bytes: Uint8Array, { random }: Material): Uint8Array {
  bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

function setNumber(bytes: Uint8Array, { random }: Material): Uint8Array {
  const width = random.pick(WIDTHS)
  const value = random.oneIn(4) ? bytes.length - random.below(64) : random.pick(INTERESTING)
  return overwrite(bytes, numberBytes(BigInt(value), width, random.oneIn(4)), random.below(bytes.length))
}

function addToNumber(bytes: Uint8Array, { random }: Material): Uint8Array {
  return addAt(
    bytes,
    random.below(bytes.length),
    random.pick(WIDTHS),
    BigInt(random.below(71) - 35),
    random.oneIn(5),
  )
}

function addAt(bytes: Uint8Array, at: number, width: number, delta: bigint, bigEndian: boolean): Uint8Array {
  if (at + width > bytes.length) return bytes
  let value = 0n
  for (let i = 0; i < width; i++)
    value = value * 256n + BigInt(bytes[bigEndian ? at + i : at + width - 1 - i] as number)
  return overwrite(bytes, numberBytes(value + delta, width, bigEndian), at)
}

/** Moves a number by the difference of two that were compared: offsets are compared as sums. */
function moveByPair(bytes: Uint8Array, { random, pairs }: Material): Uint8Array {
  const [left, right] = pairs.length === 0 ? [0, 1] : random.pick(pairs)
  if (typeof left === "string" || typeof right === "string") return bytes
  const delta = BigInt(right) - BigInt(left)
  return addAt(
    bytes,
    random.below(bytes.length),
    random.pick(WIDTHS),
    random.oneIn(2) ? delta : -delta,
    false,
  )
}

function putPair(bytes: Uint8Array, material: Material): Uint8Array {
  const { random, pairs } = material
  if (pairs.length === 0) return setByte(bytes, material)
  const [left, right] = random.pick(pairs)
  const [from, to] = random.oneIn(2) ? [left, right] : [right, left]
  const variants = replacements(bytes, from, to, 4)
  return variants.length === 0 ? bytes : random.pick(variants)
}

function removeRun(bytes: Uint8Array, { random }: Material): Uint8Array {
  const [start, end] = someRun(bytes, random)
  return join(bytes.subarray(0, start), bytes.subarray(end))
}

function copyRun(bytes: Uint8Array, { random }: Material): Uint8Array {
  const [start, end] = someRun(bytes, random)
  const at = random.below(bytes.length + 1)
  return join(bytes.subarray(0, at), bytes.subarray(start, end), bytes.subarray(at))
}

function repeatRun(bytes: Uint8Array, { random, maxLength }: Material): Uint8Array {
  const [start, end] = someRun(bytes, random)
  const times = 1 + random.below(random.oneIn(8) ? 200 : 6)
  if ((end - start) * times + bytes.length > maxLength) return bytes
  const parts = Array.from({ length: times }, () => bytes.subarray(start, end))
  return join(bytes.subarray(0, end), ...parts, bytes.subarray(end))
}

function overwriteRun(bytes: Uint8Array, { random }: Material): Uint8Array {
  const [start, end] = someRun(bytes, random)
  return overwrite(bytes, bytes.slice(start, end), random.below(bytes.length))
}

function insertBytes(bytes: Uint8Array, { random }: Material): Uint8Array {
  const at = random.below(bytes.length + 1)
  const length = 1 + random.below(random.oneIn(4) ? 64 : 4)
  const run = random.oneIn(2) ? random.bytes(length) : new Uint8Array(length).fill(random.below(256))
  return join(bytes.subarray(0, at), run, bytes.subarray(at))
}

function cutEnd(bytes: Uint8Array, { random }: Material): Uint8Array {
  return bytes.slice(0, 1 + random.below(bytes.length))
}

function putToken(bytes: Uint8Array, { random, tokens }: Material): Uint8Array {
  return tokens.length === 0 ? bytes : overwrite(bytes, random.pick(tokens), random.below(bytes.length))
}

function insertToken(bytes: Uint8Array, { random, tokens }: Material): Uint8Array {
  if (tokens.length === 0) return bytes
  const at = random.below(bytes.length + 1)
  return join(bytes.subarray(0, at), random.pick(tokens), bytes.subarray(at))
}

function spliceOther(bytes: Uint8Array, { random, other }: Material): Uint8Array {
  const from = other()
  if (from.length === 0) return bytes
  const [start, end] = random.oneIn(3) ? [random.below(from.length), from.length] : someRun(from, random)
  const at = random.below(bytes.length + 1)
  const behind = random.oneIn(2) ? at : Math.min(bytes.length, at + end - start)
  return join(bytes.subarray(0, at), from.subarray(start, end), bytes.subarray(behind))
}

function changeDigits(bytes: Uint8Array, { random }: Material): Uint8Array {
  const from = random.below(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const at = (from + i) % bytes.length
    const byte = bytes[at] as number
    if (byte < 0x30 || byte > 0x39) continue
    let end = at
    while (end < bytes.length && (bytes[end] as number) >= 0x30 && (bytes[end] as number) <= 0x39) end++
    const value = Number(Buffer.from(bytes.subarray(at, end)).toString("latin1"))
    const changed = random.oneIn(2) ? random.pick(INTERESTING) : value + random.below(17) - 8
    return join(bytes.subarray(0, at), ascii(String(changed)), bytes.subarray(end))
  }
  return bytes
}

/** Most variants of one comparison with each way to write its value. */
const MOST_PLACES = 4

/** `bytes` with `from`, wherever it stands and however it is written, replaced by `to`. */
export function replacements(
  bytes: Uint8Array,
  from: Compared,
  to: Compared,
  most = MOST_PLACES,
): Uint8Array[] {
  const variants: Uint8Array[] = []
  for (const [sought, put] of writings(from, to)) {
    let found = 0
    for (let at = find(bytes, sought, 0); at >= 0 && found < most; at = find(bytes, sought, at + 1)) {
      const changed = join(bytes.subarray(0, at), put, bytes.subarray(at + sought.length))
      variants.push(changed)
      if (put.length !== sought.length) variants.push(...withLength(changed, at, sought.length, put.length))
      found++
    }
  }
  return variants
}

/** Where a length of 1 or 4 bytes stands before the text at `at`, that length put right. */
function withLength(bytes: Uint8Array, at: number, from: number, to: number): readonly Uint8Array[] {
  if (at >= 1 && bytes[at - 1] === from) return [overwrite(bytes.slice(), Uint8Array.of(to), at - 1)]
  const long = numberBytes(BigInt(from), 4, false)
  if (at < 4 || long.some((byte, i) => bytes[at - 4 + i] !== byte)) return []
  return [overwrite(bytes.slice(), numberBytes(BigInt(to), 4, false), at - 4)]
}

/** Ways to write two values of one type: in little-endian and big-endian numbers and as text. */
function writings(from: Compared, to: Compared): (readonly [Uint8Array, Uint8Array])[] {
  if (typeof from === "string" || typeof to === "string") {
    const [sought, put] = [Buffer.from(String(from)), Buffer.from(String(to))]
    return sought.length === 0 ? [] : [[new Uint8Array(sought), new Uint8Array(put)]]
  }
  const pairs: (readonly [Uint8Array, Uint8Array])[] = []
  const [low, high] = [BigInt(from), BigInt(to)]
  for (const width of [8, 4, 2, 1]) {
    if (low >= 1n << BigInt(8 * width)) break
    pairs.push([numberBytes(low, width, false), numberBytes(high, width, false)])
  }
  pairs.push([numberBytes(low, 4, true), numberBytes(high, 4, true)])
  pairs.push([ascii(String(low)), ascii(String(high))])
  return pairs
}

function find(bytes: Uint8Array, sought: Uint8Array, from: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(sought, from)
}

function someRun(bytes: Uint8Array, random: Random): readonly [start: number, end: number] {
  const start = random.below(bytes.length)
  const longest = random.oneIn(4) ? bytes.length - start : Math.min(32, bytes.length - start)
  return [start, start + 1 + random.below(longest)]
}

function overwrite(bytes: Uint8Array, run: Uint8Array, at: number): Uint8Array {
  bytes.set(run.subarray(0, bytes.length - at), at)
  return bytes
}

export function numberBytes(value: bigint, width: number, bigEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(width)
  let left = BigInt.asUintN(width * 8, value)
  for (let i = 0; i < width; i++) {
    bytes[bigEndian ? width - 1 - i : i] = Number(left & 255n)
    left >>= 8n
  }
  return bytes
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"))
}
