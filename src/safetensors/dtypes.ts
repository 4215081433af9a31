/**
 * The element types of safetensors 0.8, in the order of its `Dtype` enum (safetensors/src/tensor.rs), and the bytes that
 * tensors of them take, with the arithmetic of the reference.
 *
 * The place in the table is the rank: the reference writes tensors by rank descending, which puts the widest first
 * and keeps every tensor aligned without padding.
 */

import { invalidArgument } from "../bytes/failures.ts"
import { quoteText } from "../text/quote-text.ts"

const ROWS = [
  // dtype, bits per element
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8],
  ["I8", 8],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E8M0", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E5M2FNUZ", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["I32", 32],
  ["U32", 32],
  ["F32", 32],
  ["C64", 64],
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
] as const

/** An element type as a safetensors header names it. */
export type SafetensorsDtype = (typeof ROWS)[number][0]

/** What the format knows about an element type. */
export interface DtypeFacts {
  readonly dtype: SafetensorsDtype
  /** Bits of one element. Below 8 the elements of a tensor are packed, and must fill whole bytes together. */
  readonly bitsPerElement: number
  /** Place in the reference's enum, 0 for BOOL. Tensors are written by rank descending. */
  readonly rank: number
}

/** Every element type by its name. Keyed by `string`, because the text that is looked up comes from files. */
export const SAFETENSORS_DTYPES: ReadonlyMap<string, DtypeFacts> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ ROWS.map(([dtype, bitsPerElement], rank) => [dtype, { dtype, bitsPerElement, rank }]),
)

/** The facts about an element type. @throws `invalid-argument` for text that only claims to be one. */
export function dtypeFacts(dtype: SafetensorsDtype): DtypeFacts {
  const facts = SAFETENSORS_DTYPES.get(dtype)
  if (facts === undefined) throw invalidArgument("dtype", `${quoteText(dtype)} is unknown`)
  return facts
}

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
