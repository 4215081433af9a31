/**
 * Deflate data to bytes (RFC 1951), as strictly as zlib and to the bit: it knows where the data ends.
 *
 * What zlib refuses is refused here, so that there is no data that one reader takes and another does not: codes that
 * are over-subscribed or incomplete, a stored block whose length is not confirmed, a code that stands for nothing, a
 * distance that reaches before the beginning.
 */

import { BitReader } from "./bit-reader.ts"
import { type BuiltCode, buildCode, HuffmanCode, LOOKUP_BITS } from "./huffman-code.ts"

/** Distances reach this far back. */
const WINDOW_BYTES = 32_768
/** Bytes handed out at once. */
const CHUNK_BYTES = 65_536
const LONGEST_MATCH = 258

/** Input that is kept back while more is to come: more than the longest header of a block, or any symbol, takes. */
const MARGIN_BYTES = 600

const LOOKUP_MASK = (1 << LOOKUP_BITS) - 1

const END_OF_BLOCK = 256
const LITERAL_SYMBOLS = 286
const DISTANCE_SYMBOLS = 30

/** 3.2.5: the least length or distance of each symbol, and how many bits are added to it. */
const LENGTH_BASES = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
]
const LENGTHS = Uint16Array.of(...LENGTH_BASES, 131, 163, 195, 227, 258)
const LENGTH_BITS = Uint8Array.from(LENGTHS, (_, i) => (i < 8 || i === 28 ? 0 : (i - 4) >> 2))
const DISTANCE_BITS = Uint8Array.from({ length: DISTANCE_SYMBOLS }, (_, i) => (i < 4 ? 0 : (i - 2) >> 1))
const DISTANCES = Uint16Array.from(DISTANCE_BITS, (bits, i) => (i < 4 ? i + 1 : ((2 + (i & 1)) << bits) + 1))

/** 3.2.7: the order in which the lengths of the codes for code lengths stand. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** 3.2.6. The symbols above those that mean something have codes, too. */
const FIXED_LITERALS = requireCode(
  Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
)
const FIXED_DISTANCES = requireCode(new Uint8Array(32).fill(5))

function requireCode(lengths: Uint8Array): HuffmanCode {
  const code = buildCode(lengths, false)
  if (code instanceof HuffmanCode) return code
  throw new TypeError(`a fixed code is ${code}`)
}

/** Where in the data it stands. */
type State = "header" | "stored" | "coded" | "ended"

/** One run of deflate data. */
export class Inflater {
  readonly #input = new BitReader()
  readonly #fail: (problem: string) => Error
  readonly #byteLength: number
  /** The last bytes that were made, as far back as distances reach, and those that are to be handed out. */
  readonly #output: Uint8Array
  /** Where in `#output` the next byte goes, and where those begin that have not been handed out. */
  #end = 0
  #start = 0
  #produced = 0
  #state: State = "header"
  #isLastBlock = false
  #storedLeft = 0
  #literals = FIXED_LITERALS
  #distances = FIXED_DISTANCES

  /** Data that makes more than `byteLength` bytes fails. `fail` makes the error of a problem. */
  constructor(byteLength: number, fail: (problem: string) => Error) {
    this.#byteLength = byteLength
    this.#fail = fail
    this.#output = new Uint8Array(Math.min(byteLength, WINDOW_BYTES + CHUNK_BYTES) + LONGEST_MATCH)
  }

  /** Whether the last block has ended. */
  get hasEnded(): boolean {
    return this.#state === "ended"
  }

  /** Bytes of the input that the data takes, once it has ended. */
  get usedBytes(): number {
    return this.#input.usedBytes
  }

  /** Bytes made so far. */
  get producedBytes(): number {
    return this.#produced
  }

  /** What `bytes` give, in chunks that are not empty and belong to the caller. `isLast` when nothing follows them. */
  *push(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    const input = this.#input
    input.append(bytes)
    const least = isLast ? 0 : MARGIN_BYTES
    while (this.#state !== "ended" && (isLast || input.remaining > least)) {
      if (this.#state === "header") this.#readHeader()
      else if (this.#state === "stored") this.#copyStored()
      else this.#decode(least)
      if (input.isOverrun || (isLast && this.#state === "stored" && input.remaining === 0)) {
        throw this.#fail("the deflate data does not end where its bytes end")
      }
      if (this.#produced > this.#byteLength) {
        throw this.#fail(`it inflates to more than its ${this.#byteLength} bytes`)
      }
      if (this.#end >= WINDOW_BYTES + CHUNK_BYTES) yield this.#takeChunk()
    }
    if (this.#end > this.#start) yield this.#takeChunk()
  }

  /** What has not been handed out; of what was, the window is kept. */
  #takeChunk(): Uint8Array {
    const chunk = this.#output.slice(this.#start, this.#end)
    if (this.#end > WINDOW_BYTES) {
      this.#output.copyWithin(0, this.#end - WINDOW_BYTES, this.#end)
      this.#end = WINDOW_BYTES
    }
    this.#start = this.#end
    return chunk
  }

  /** 3.2.3. */
  #readHeader(): void {
    const input = this.#input
    this.#isLastBlock = input.read(1) === 1
    const type = input.read(2)
    if (type === 3) throw this.#fail("the deflate data is broken (a block of no known type)")
    this.#state = "coded"
    if (type === 0) this.#readStoredHeader()
    else if (type === 1) [this.#literals, this.#distances] = [FIXED_LITERALS, FIXED_DISTANCES]
    else this.#readCodes()
  }

  #readStoredHeader(): void {
    this.#input.alignToByte()
    const length = this.#input.read(16)
    const complement = this.#input.read(16)
    if ((length ^ complement) !== 0xffff) {
      throw this.#fail("the deflate data is broken (the length of a stored block is not confirmed)")
    }
    this.#input.alignToByte()
    this.#storedLeft = length
    if (length === 0) this.#endBlock()
    else this.#state = "stored"
  }

  #copyStored(): void {
    const room = this.#output.length - this.#end
    const copied = this.#input.copyTo(
      this.#output.subarray(this.#end, this.#end + Math.min(room, this.#storedLeft)),
    )
    this.#end += copied
    this.#produced += copied
    this.#storedLeft -= copied
    if (this.#storedLeft === 0) this.#endBlock()
  }

  #endBlock(): void {
    this.#state = this.#isLastBlock ? "ended" : "header"
  }

  /** 3.2.7. */
  #readCodes(): void {
    const input = this.#input
    const literalCount = input.read(5) + 257
    const distanceCount = input.read(5) + 1
    if (literalCount > LITERAL_SYMBOLS || distanceCount > DISTANCE_SYMBOLS) {
      throw this.#fail("the deflate data is broken (a code for more symbols than there are)")
    }
    const lengthLengths = new Uint8Array(LENGTH_ORDER.length)
    const count = input.read(4) + 4
    for (let i = 0; i < count; i++) lengthLengths[LENGTH_ORDER[i] as number] = input.read(3)
    const lengths = this.#readLengths(this.#requireCode(lengthLengths, false), literalCount + distanceCount)
    if (lengths[END_OF_BLOCK] === 0) {
      throw this.#fail("the deflate data is broken (a block that cannot end)")
    }
    this.#literals = this.#requireCode(lengths.subarray(0, literalCount), true)
    this.#distances = this.#requireCode(lengths.subarray(literalCount), true)
  }

  #requireCode(lengths: Uint8Array, mayBeIncomplete: boolean): HuffmanCode {
    const code: BuiltCode = buildCode(lengths, mayBeIncomplete)
    if (code instanceof HuffmanCode) return code
    throw this.#fail(`the deflate data is broken (a Huffman code is ${code})`)
  }

  #readLengths(code: HuffmanCode, count: number): Uint8Array {
    const input = this.#input
    const lengths = new Uint8Array(count)
    for (let done = 0; done < count; ) {
      const entry = code.lookup[input.peek() & LOOKUP_MASK] as number
      input.drop(entry & 15)
      const symbol = entry >>> 4
      if (symbol < 16) {
        lengths[done++] = symbol
        continue
      }
      const repeated = symbol === 16 ? lengths[done - 1] : 0
      const times = symbol === 16 ? 3 + input.read(2) : symbol === 17 ? 3 + input.read(3) : 11 + input.read(7)
      if (repeated === undefined || done + times > count) {
        throw this.#fail("the deflate data is broken (a code length is repeated where it cannot be)")
      }
      lengths.fill(repeated, done, done + times)
      done += times
    }
    return lengths
  }

  /**
   * Symbols, until the block or the input ends (`least` bytes are left) or there is enough for a chunk. Each step holds
   * 25 bits at least, which is a code of 15 and what is added to it, but for the 13 bits of a long distance.
   */
  #decode(least: number): void {
    const input = this.#input
    const output = this.#output
    const { bytes } = input
    const literals = this.#literals.lookup
    const most = output.length - LONGEST_MATCH
    const lastAt = bytes.length - least
    const before = this.#end
    let { at, held, count } = input
    let end = before
    while (end <= most && at - (count >>> 3) <= lastAt) {
      for (; count <= 24; count += 8) held |= (bytes[at++] ?? 0) << count
      const entry = literals[held & LOOKUP_MASK] || this.#findLong(this.#literals, held)
      held >>>= entry & 15
      count -= entry & 15
      const symbol = entry >>> 4
      if (symbol < END_OF_BLOCK) {
        output[end++] = symbol
        continue
      }
      if (symbol === END_OF_BLOCK) {
        this.#endBlock()
        break
      }
      const lengthBits = this.#requireLength(symbol)
      const length = (LENGTHS[symbol - END_OF_BLOCK - 1] as number) + (held & ((1 << lengthBits) - 1))
      held >>>= lengthBits
      count -= lengthBits
      for (; count <= 24; count += 8) held |= (bytes[at++] ?? 0) << count
      const far = this.#distances.lookup[held & LOOKUP_MASK] || this.#findLong(this.#distances, held)
      held >>>= far & 15
      count -= far & 15
      for (; count <= 24; count += 8) held |= (bytes[at++] ?? 0) << count
      const distanceBits = this.#requireDistance(far >>> 4)
      const distance = (DISTANCES[far >>> 4] as number) + (held & ((1 << distanceBits) - 1))
      held >>>= distanceBits
      count -= distanceBits
      if (distance > end) throw this.#fail("the deflate data is broken (a distance before the beginning)")
      for (const stop = end + length; end < stop; end++) output[end] = output[end - distance] as number
    }
    input.at = at
    input.held = held
    input.count = count
    this.#end = end
    this.#produced += end - before
  }

  #findLong(code: HuffmanCode, bits: number): number {
    const entry = code.findLong(bits)
    if (entry === 0) throw this.#fail("the deflate data is broken (a code that stands for nothing)")
    return entry
  }

  /** How many bits are added to the length of `symbol`. */
  #requireLength(symbol: number): number {
    const bits = LENGTH_BITS[symbol - END_OF_BLOCK - 1]
    if (bits === undefined) throw this.#fail("the deflate data is broken (a length of no known kind)")
    return bits
  }

  /** How many bits are added to the distance of `symbol`. */
  #requireDistance(symbol: number): number {
    const bits = DISTANCE_BITS[symbol]
    if (bits === undefined) throw this.#fail("the deflate data is broken (a distance of no known kind)")
    return bits
  }
}
