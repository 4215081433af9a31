/** Deflate streams that repeat one byte for ever, at 2 bits for 258 of them: the most that the format can do. */

/** Writes bits, the least significant first, as RFC 1951 has it. */
class BitWriter {
  readonly bytes: number[] = []
  #bits = 0
  #held = 0

  put(value: number, width: number): void {
    for (let i = 0; i < width; i++) {
      this.#held |= ((value >>> i) & 1) << this.#bits
      this.#bits += 1
      if (this.#bits === 8) this.#flush()
    }
  }

  /** Huffman codes stand with their first bit first. */
  code(bits: string): void {
    for (const bit of bits) this.put(bit === "1" ? 1 : 0, 1)
  }

  finish(): number[] {
    if (this.#bits > 0) this.#flush()
    return this.bytes
  }

  #flush(): void {
    this.bytes.push(this.#held)
    this.#held = 0
    this.#bits = 0
  }
}

/**
 * One block with codes of its own: the byte (2 bits), the end (2 bits), and 258 bytes at distance 1 (1 bit each for
 * length and distance). `bytesOut` is rounded down to 1 + a multiple of 258 * 4.
 */
export function repeatedDeflate(byte: number, bytesOut: number): { bytes: Uint8Array; byteLength: number } {
  const groups = Math.floor((bytesOut - 1) / (258 * 4))
  const bits = new BitWriter()
  bits.put(1, 1)
  bits.put(2, 2)
  // 286 literal and length codes, 1 distance code, 18 code length codes.
  bits.put(286 - 257, 5)
  bits.put(0, 5)
  bits.put(18 - 4, 4)
  // In the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1: three codes, of 18 (1 bit), 2 and 1 (2 bits each).
  for (const length of [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2]) bits.put(length, 3)
  const [one, two, zeros] = ["10", "11", "0"] as const
  const skip = (count: number): void => {
    for (let left = count; left > 0; ) {
      // A rest of fewer than 11 cannot be said.
      const run = left > 138 && left - 138 < 11 ? left - 11 : Math.min(left, 138)
      bits.code(zeros)
      bits.put(run - 11, 7)
      left -= run
    }
  }
  skip(byte)
  bits.code(two)
  skip(255 - byte)
  bits.code(two)
  skip(28)
  bits.code(one)
  bits.code(one)
  // Canonical codes: 285 has 1 bit, the byte and 256 have 2.
  bits.code("10")
  for (let i = 0; i < groups * 4; i++) bits.code("00")
  bits.code("11")
  return { bytes: Uint8Array.from(bits.finish()), byteLength: 1 + groups * 258 * 4 }
}
