/** Bytes that a tensor of a dtype and a shape takes, with the arithmetic of the reference. */

/** Largest `usize` of the reference on 64-bit machines. */
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

/** Why a dtype and a shape have no size. */
export type SizeProblem = "shape-overflow" | "size-misaligned"

/**
 * Byte length of `shape` with elements of `bitsPerElement` bits, packed.
 *
 * As in `Metadata::validate` (safetensors 0.8) the dimensions are multiplied in order and every intermediate product
 * must stay below 2^64: [2^40, 2^40, 0] overflows, [0, 2^40, 2^40] is empty. A result above 2^53 - 1 bytes, which no
 * file holds, counts as overflow too.
 */
export function tensorByteLength(bitsPerElement: number, shape: readonly number[]): number | SizeProblem {
  let bits = 1
  for (const dimension of shape) bits *= dimension
  bits *= bitsPerElement
  // Every partial product is exact as long as none passed 2^53; a zero could hide one that did.
  if (bits === 0 || !Number.isSafeInteger(bits)) return exactByteLength(bitsPerElement, shape)
  return bits % 8 === 0 ? bits / 8 : "size-misaligned"
}

function exactByteLength(bitsPerElement: number, shape: readonly number[]): number | SizeProblem {
  let product = 1n
  for (const factor of [...shape, bitsPerElement]) {
    product *= BigInt(factor)
    if (product > MAX_UINT64) return "shape-overflow"
  }
  if (product % 8n !== 0n) return "size-misaligned"
  const bytes = Number(product / 8n)
  return Number.isSafeInteger(bytes) ? bytes : "shape-overflow"
}
