/** Integers of 64 bits from files: they arrive as bigint and are narrowed once. */

/** The number equal to `value`, or undefined when it is negative or above 2^53 - 1. */
export function toSafeInteger(value: bigint): number | undefined {
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

/** The unsigned little-endian integer that the first eight of `bytes` are. */
export function readUint64LE(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)
}
