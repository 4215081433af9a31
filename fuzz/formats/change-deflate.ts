/** Deflate data of its own making: blocks of every kind, with code lengths that may be wrong. RFC 1951. */

import { constants, deflateRawSync } from "node:zlib"
import { join } from "../engine/mutate.ts"
import type { Random } from "../engine/random.ts"

/** Bits, least significant first. */
class BitWriter {
  readonly #bytes: number[] = []
  #bit = 0

  put(value: number, bits: number): this {
    for (let i = 0; i < bits; i++) {
      if (this.#bit === 0) this.#bytes.push(0)
      const last = this.#bytes.length - 1
      this.#bytes[last] = (this.#bytes[last] as number) | (((value >>> i) & 1) << this.#bit)
      this.#bit = (this.#bit + 1) & 7
    }
    return this
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}

export function changeDeflate(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const pick = random.below(5)
  if (pick === 0) return join(openStream(random), bytes)
  if (pick === 1) return compressed(random)
  if (pick === 2) return join(openStream(random), other)
  return dynamicBlock(random)
}

/** Some data that compresses a little. */
function someData(random: Random): Uint8Array {
  const unit = random.bytes(1 + random.below(20))
  return join(
    ...Array.from({ length: 1 + random.below(20) }, () => (random.oneIn(4) ? random.bytes(3) : unit)),
  )
}

function compressed(random: Random): Uint8Array {
  const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants
  const strategy = random.pick([Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE])
  return new Uint8Array(deflateRawSync(someData(random), { level: random.below(10), strategy }))
}

/** Data whose last block says that another follows, ending on a whole byte. */
function openStream(random: Random): Uint8Array {
  const options = { level: random.below(10), finishFlush: constants.Z_SYNC_FLUSH }
  return new Uint8Array(deflateRawSync(someData(random), options))
}

/** The order in which code lengths of code lengths stand (3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** A dynamic block with lengths that are mostly, but not always, those of a complete code. */
function dynamicBlock(random: Random): Uint8Array {
  const writer = new BitWriter()
  writer.put(random.below(2), 1).put(2, 2)
  const [literals, distances] = [random.pick([0, 0, 1, 29, 30, 31]), random.pick([0, 0, 1, 29, 30, 31])]
  // Sixteen lengths of 4 bits make a complete code that can say every length from 0 to 15.
  const lengths: number[] = new Array(19).fill(0)
  for (let length = 0; length < 16; length++) lengths[length] = 4
  const complete = !random.oneIn(6)
  if (!complete) lengths[random.below(19)] = random.below(8)
  writer.put(literals, 5).put(distances, 5).put(15, 4)
  for (const symbol of ORDER) writer.put(lengths[symbol] as number, 3)
  for (const length of codeLengths(random, 257 + literals)) writer.put(reversed4(length), 4)
  for (const length of codeLengths(random, 1 + distances)) writer.put(reversed4(length), 4)
  for (let left = random.below(60); left > 0; left--) writer.put(random.below(256), 8)
  return writer.bytes()
}

/** Lengths of codes for `count` symbols, those of the end and of some others not 0. */
function codeLengths(random: Random, count: number): readonly number[] {
  const lengths: number[] = new Array(count).fill(0)
  if (count >= 30 && random.oneIn(4)) return deepCode(lengths, random)
  const used = random.pick([0, 1, 2, 2, 4, 4, 8])
  const bits = used <= 1 ? 1 : Math.log2(used)
  for (let i = 0; i < used; i++) lengths[i === 0 && count > 256 ? 256 : random.below(count)] = bits
  if (random.oneIn(4)) lengths[random.below(count)] = random.below(16)
  return lengths
}

/** A complete code with one symbol of each length, and two of the longest. */
function deepCode(lengths: number[], random: Random): readonly number[] {
  const first = lengths.length > 256 ? 256 - random.below(16) : random.below(14)
  for (let i = 0; i < 16; i++) lengths[first + i] = Math.min(15, i + 1)
  return lengths
}

function reversed4(value: number): number {
  return ((value & 1) << 3) | ((value & 2) << 1) | ((value & 4) >> 1) | ((value & 8) >> 3)
}
