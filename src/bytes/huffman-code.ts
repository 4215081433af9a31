/** The Huffman codes of deflate: from code lengths to symbols, held to what zlib holds them to. RFC 1951, 3.2.2. */

/** Codes up to this length are looked up at once. Longer ones belong to rare symbols. */
export const LOOKUP_BITS = 10
const LONGEST_CODE = 15

/** A code that has been built, or what is wrong with it. */
export type BuiltCode = HuffmanCode | "over-subscribed" | "incomplete"

/** A code. An entry is `symbol * 16 + bits`, and 0 where no code stands. */
export class HuffmanCode {
  /** By the next `LOOKUP_BITS` bits. 0 where the code is longer, or is none. */
  readonly lookup: Uint16Array = new Uint16Array(1 << LOOKUP_BITS)
  /** How many codes have each length. */
  readonly #counts = new Uint16Array(LONGEST_CODE + 1)
  /** Symbols by code. */
  readonly #symbols: Uint16Array

  /** Use `buildCode`, which checks `lengths`. */
  constructor(lengths: Uint8Array, counts: Uint16Array) {
    this.#counts.set(counts)
    this.#symbols = new Uint16Array(lengths.length)
    const codes = new Uint16Array(LONGEST_CODE + 2)
    const places = new Uint16Array(LONGEST_CODE + 2)
    for (let bits = 1; bits <= LONGEST_CODE; bits++) {
      codes[bits + 1] = ((codes[bits] as number) + (counts[bits] as number)) << 1
      places[bits + 1] = (places[bits] as number) + (counts[bits] as number)
    }
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const bits = lengths[symbol] as number
      if (bits === 0) continue
      const code = codes[bits] as number
      codes[bits] = code + 1
      const place = places[bits] as number
      places[bits] = place + 1
      this.#symbols[place] = symbol
      if (bits > LOOKUP_BITS) continue
      const step = 1 << bits
      for (let i = reversed(code, bits); i < this.lookup.length; i += step)
        this.lookup[i] = symbol * 16 + bits
    }
  }

  /** The entry of the code that `bits` begin with, whatever its length; 0 when they begin with none. */
  findLong(bits: number): number {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= LONGEST_CODE; length++) {
      code |= (bits >>> (length - 1)) & 1
      const count = this.#counts[length] as number
      if (code - count < first) return (this.#symbols[index + code - first] as number) * 16 + length
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return 0
  }
}

/**
 * The code with these lengths, 0 for symbols that have none. As in zlib (`inflate_table`), one that is not complete
 * passes only where `mayBeIncomplete` and it has a single code of one bit, or none.
 */
export function buildCode(lengths: Uint8Array, mayBeIncomplete: boolean): BuiltCode {
  const counts = new Uint16Array(LONGEST_CODE + 1)
  let longest = 0
  for (const length of lengths) {
    if (length === 0) continue
    counts[length] = (counts[length] as number) + 1
    if (length > longest) longest = length
  }
  let left = 1
  for (let bits = 1; bits <= LONGEST_CODE; bits++) {
    left = left * 2 - (counts[bits] as number)
    if (left < 0) return "over-subscribed"
  }
  if (left > 0 && !(mayBeIncomplete && longest <= 1)) return "incomplete"
  return new HuffmanCode(lengths, counts)
}

function reversed(code: number, bits: number): number {
  let result = 0
  for (let i = 0; i < bits; i++) result |= ((code >>> i) & 1) << (bits - 1 - i)
  return result
}
