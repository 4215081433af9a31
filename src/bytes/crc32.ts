/**
 * CRC-32 as zip uses it (ISO-HDLC, reflected polynomial 0xEDB88320).
 *
 * A conversion has several chunks in flight, so checksums are taken chunk by chunk in any order and joined with
 * `combineCrc32`. The plain implementation takes eight bytes a step ("slicing by 8"); a platform
 * with a native one passes it in instead.
 */

/** The CRC-32 of `bytes`, continued from `previous` (0 at the start). */
export type Crc32 = (bytes: Uint8Array, previous: number) => number

const POLYNOMIAL = 0xedb88320

/** Entry `256 * k + byte` is the effect of that byte followed by `k` zero bytes. Built at first use (8 KiB). */
let table: Int32Array | undefined

function buildTable(): Int32Array {
  const built = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    built[byte] = value
  }
  for (let i = 256; i < built.length; i++) {
    const value = built[i - 256] as number
    built[i] = (value >>> 8) ^ (built[value & 255] as number)
  }
  return built
}

/** The portable implementation: about 1 GB/s. */
export const crc32: Crc32 = (bytes, previous) => {
  table ??= buildTable()
  const t = table
  let crc = ~previous
  let i = 0
  const end = bytes.length
  const view = new DataView(bytes.buffer, bytes.byteOffset, end)
  for (const eightEnd = end - 7; i < eightEnd; i += 8) {
    const low = view.getInt32(i, true) ^ crc
    const high = view.getInt32(i + 4, true)
    crc =
      (t[0x700 | (low & 255)] as number) ^
      (t[0x600 | ((low >>> 8) & 255)] as number) ^
      (t[0x500 | ((low >>> 16) & 255)] as number) ^
      (t[0x400 | (low >>> 24)] as number) ^
      (t[0x300 | (high & 255)] as number) ^
      (t[0x200 | ((high >>> 8) & 255)] as number) ^
      (t[0x100 | ((high >>> 16) & 255)] as number) ^
      (t[high >>> 24] as number)
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[i] as number)) & 255] as number)
  return ~crc >>> 0
}

/** a(x) * b(x) modulo the polynomial, in reflected bit order. */
function multiplyModulo(a: number, b: number): number {
  let product = 0
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1
  }
  return product >>> 0
}

/** The CRC-32 of A followed by B, from the CRC-32 of each and the length of B in bytes. */
export function combineCrc32(crcA: number, crcB: number, lengthB: number): number {
  // x^(8 * lengthB) by repeated squaring; x^8 is bit 23 in reflected order, and 1 is bit 31.
  let power = 0x00800000
  let shift = 0x80000000
  for (let left = lengthB; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = multiplyModulo(shift, power)
    power = multiplyModulo(power, power)
  }
  return (multiplyModulo(shift, crcA) ^ crcB) >>> 0
}
