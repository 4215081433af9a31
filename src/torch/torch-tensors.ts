/** What torch says of its storages and tensors beyond what every input says. */

import type { PickleObject, PickleValue } from "../pickle/values.ts"
import type { ElementTransform } from "../strided/elements.ts"
import type { Dtype, Storage, UnsupportedTensor } from "../tensors/tensor.ts"

/** The order of the bytes in an element. */
export type ByteOrder = "little" | "big"

/** The location of storages that have no bytes in torch (`_meta_deserialize` of torch/serialization.py). */
export const NOWHERE = "meta"

/** A storage as the pickle declares it. */
export interface TorchStorage extends Storage {
  /** In elements of the storage class that the pickle named first; bytes when that is untyped. */
  readonly elementCount: number
}

/** A storage as the pickle refers to it: with the element type it is seen through, or a part of it (old files). */
export interface StorageReference extends PickleObject {
  readonly kind: "object:storage"
  readonly storage: TorchStorage
  /** Undefined for an untyped storage: its elements are bytes until a tensor says otherwise. */
  readonly dtype: Dtype | undefined
  /** First element of the part, in elements of `dtype` (bytes when untyped). 0 except for legacy storage views. */
  readonly elementOffset: number
  /** Elements of the part. */
  readonly elementCount: number
}

export function isStorageReference(value: unknown): value is StorageReference {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "object:storage"
}

/** An unsupported tensor, with what it would be rebuilt from: storages and tensors are among that or in it. */
export interface UnsupportedTorchTensor extends UnsupportedTensor {
  readonly parts: readonly PickleValue[]
}

/** What unsupported tensors that come from elsewhere have. */
const NO_PARTS: readonly PickleValue[] = /* @__PURE__ */ Object.freeze([])

/** What `tensor` would be rebuilt from. */
export function partsOf(tensor: UnsupportedTensor): readonly PickleValue[] {
  return (tensor as Partial<UnsupportedTorchTensor>).parts ?? NO_PARTS
}

/** The bits that a tensor carries: its values are the complex conjugates, or the negatives, of what the storage holds. */
export interface TensorBits {
  readonly conjugate: boolean
  readonly negative: boolean
}

/** What makes the elements of a storage those of a tensor. Undefined where they are that already. */
export function transformFor(
  { name, family, partBytes }: Dtype,
  byteOrder: ByteOrder,
  { conjugate, negative }: TensorBits,
): ElementTransform | undefined {
  const swapBytes = byteOrder === "big" && partBytes > 1
  // The bytes of bools are not known before they are read.
  const normalizeBools = family === "bool"
  if (!swapBytes && !normalizeBools && !conjugate && !negative) return undefined
  return {
    partBytes,
    swapBytes,
    // The neg bit turns both parts around, the conj bit the imaginary one: together they leave it as it is.
    negate: negative ? (conjugate ? "real" : "all") : conjugate ? "imaginary" : "none",
    negation: negationOf(name, family),
    normalizeBools,
  }
}

function negationOf(name: string, family: Dtype["family"]): ElementTransform["negation"] {
  if (name === "float16" || name === "bfloat16") return name
  return family === "signed" || family === "unsigned" ? "twos-complement" : "sign-bit"
}
