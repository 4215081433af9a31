/** Integers from files: 64-bit values arrive as bigint and are narrowed once, sums and products are checked. */

/** The number equal to `value`, or undefined when it is negative or above 2^53 - 1. */
export function toSafeInteger(value: bigint): number | undefined {
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

/** The unsigned little-endian integer that the first eight of `bytes` are. */
export function readUint64LE(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)
}

/** `a * b` for non-negative safe integers, or undefined when the product is above 2^53 - 1. */
export function checkedMultiply(a: number, b: number): number | undefined {
  const product = a * b
  return Number.isSafeInteger(product) ? product : undefined
}

/** `a + b` for non-negative safe integers, or undefined when the sum is above 2^53 - 1. */
export function checkedAdd(a: number, b: number): number | undefined {
  const sum = a + b
  return Number.isSafeInteger(sum) ? sum : undefined
}
