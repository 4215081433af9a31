/** Changes that know nothing of what they change. */

import { BROKEN_TEXTS, BYTES, TEXTS, UNSIGNED } from "./interesting.ts"
import { concat, integerBytes } from "./pickle-ops.ts"
import type { Random, Weighted } from "./random.ts"

export type ByteMutator = (bytes: Uint8Array, random: Random, donor: Uint8Array) => Uint8Array

function withByte(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (at < copy.length) copy[at] = byte
  return copy
}

const flipBit: ByteMutator = (bytes, random) => {
  const at = random.below(bytes.length)
  return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)))
}

const setByte: ByteMutator = (bytes, random) =>
  withByte(bytes, random.below(bytes.length), random.pick(BYTES))

const addToByte: ByteMutator = (bytes, random) => {
  const at = random.below(bytes.length)
  return withByte(bytes, at, ((bytes[at] ?? 0) + random.pick([1, 255])) & 255)
}

const setWord: ByteMutator = (bytes, random) => {
  const copy = Uint8Array.from(bytes)
  const width = random.pick([2, 4, 8])
  const at = random.below(bytes.length - width + 1)
  const word = integerBytes(random.pick(UNSIGNED), width)
  copy.set(word.subarray(0, copy.length - at), at)
  return copy
}

const truncate: ByteMutator = (bytes, random) => {
  const kept = random.chance(0.5) ? random.below(bytes.length) : bytes.length - random.between(1, 40)
  return bytes.slice(0, Math.max(0, kept))
}

const cutHead: ByteMutator = (bytes, random) => bytes.slice(random.between(1, 40))

const extend: ByteMutator = (bytes, random, donor) => {
  const more = random.weighted<() => Uint8Array>([
    [2, () => new Uint8Array(random.between(1, 64))],
    [2, () => random.pick(TEXTS)],
    [1, () => donor],
    [1, () => bytes],
  ])()
  return random.chance(0.7) ? concat([bytes, more]) : concat([more, bytes])
}

const insert: ByteMutator = (bytes, random) => {
  const at = random.below(bytes.length + 1)
  const middle = random.chance(0.5) ? random.pick(TEXTS) : random.pick([...BROKEN_TEXTS, new Uint8Array(8)])
  return concat([bytes.subarray(0, at), middle, bytes.subarray(at)])
}

/** A block of up to 200 bytes. */
function block(bytes: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = random.below(bytes.length)
  return [from, Math.min(bytes.length, from + random.between(1, random.pick([4, 30, 200])))]
}

const deleteBlock: ByteMutator = (bytes, random) => {
  const [from, to] = block(bytes, random)
  return concat([bytes.subarray(0, from), bytes.subarray(to)])
}

const duplicateBlock: ByteMutator = (bytes, random) => {
  const [from, to] = block(bytes, random)
  return concat([bytes.subarray(0, to), bytes.subarray(from)])
}

const moveBlock: ByteMutator = (bytes, random) => {
  const [from, to] = block(bytes, random)
  const rest = concat([bytes.subarray(0, from), bytes.subarray(to)])
  const at = random.below(rest.length + 1)
  return concat([rest.subarray(0, at), bytes.subarray(from, to), rest.subarray(at)])
}

const fillBlock: ByteMutator = (bytes, random) => {
  const [from, to] = block(bytes, random)
  return Uint8Array.from(bytes).fill(random.pick([0, 255, 0x20]), from, to)
}

/** The head of one file and the tail of another. */
const splice: ByteMutator = (bytes, random, donor) => {
  const from = random.below(bytes.length)
  const to = random.chance(0.5) ? from : random.below(donor.length)
  return concat([bytes.subarray(0, from), donor.subarray(to)])
}

export const BYTE_MUTATORS: readonly Weighted<readonly [name: string, ByteMutator]>[] = [
  [10, ["flip-bit", flipBit]],
  [8, ["set-byte", setByte]],
  [4, ["add-to-byte", addToByte]],
  [4, ["set-word", setWord]],
  [4, ["truncate", truncate]],
  [1, ["cut-head", cutHead]],
  [3, ["extend", extend]],
  [3, ["insert", insert]],
  [3, ["delete-block", deleteBlock]],
  [3, ["duplicate-block", duplicateBlock]],
  [3, ["move-block", moveBlock]],
  [2, ["fill-block", fillBlock]],
  [3, ["splice", splice]],
]
