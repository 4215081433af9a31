/** Bits of deflate data, the least significant first, from input that comes in parts. RFC 1951, 3.1.1. */

/**
 * Reads past the end give zeros. Whoever reads keeps away from the end while more input is to come, and asks
 * `isOverrun` after each step when there is none.
 *
 * Its fields are open, because the loop over symbols takes them into variables of its own and puts them back.
 */
export class BitReader {
  bytes: Uint8Array = new Uint8Array(0)
  /** Index in `bytes` of the next byte to hold. */
  at = 0
  /** Bits that have been taken from `bytes` and not been used up, and how many they are. */
  held = 0
  count = 0
  /** Bytes of input that earlier parts have used up. */
  #usedBefore = 0

  /** Puts `bytes` behind what has not been read. */
  append(bytes: Uint8Array): void {
    const rest = this.bytes.subarray(this.at)
    this.#usedBefore += this.at
    this.at = 0
    if (rest.length === 0) {
      this.bytes = bytes
      return
    }
    this.bytes = new Uint8Array(rest.length + bytes.length)
    this.bytes.set(rest)
    this.bytes.set(bytes, rest.length)
  }

  /** Whole bytes that have not been read. */
  get remaining(): number {
    return this.bytes.length - this.at + (this.count >>> 3)
  }

  /** True when more was read than there is. */
  get isOverrun(): boolean {
    return (this.at - this.bytes.length) * 8 > this.count
  }

  /** Bytes of all input that have been read, the last one perhaps in part. */
  get usedBytes(): number {
    return this.#usedBefore + this.at - (this.count >>> 3)
  }

  /** At least 25 bits, of which none is used up. */
  peek(): number {
    while (this.count <= 24) {
      this.held |= (this.bytes[this.at++] ?? 0) << this.count
      this.count += 8
    }
    return this.held
  }

  /** Uses up `bits` bits, which have been peeked at. */
  drop(bits: number): void {
    this.held >>>= bits
    this.count -= bits
  }

  /** The next `bits` bits, at most 16. */
  read(bits: number): number {
    const value = this.peek() & ((1 << bits) - 1)
    this.drop(bits)
    return value
  }

  /** Goes on to the next whole byte, and gives back those that were only peeked at. */
  alignToByte(): void {
    this.at -= this.count >>> 3
    this.held = 0
    this.count = 0
  }

  /** Copies bytes, at most as many as remain, to `target`; the reader stands on a whole byte. Returns how many. */
  copyTo(target: Uint8Array): number {
    const part = this.bytes.subarray(this.at, this.at + target.length)
    target.set(part)
    this.at += part.length
    return part.length
  }
}
