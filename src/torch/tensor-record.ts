/** What a checkpoint says of its storages and tensors. No weight has been read when these exist. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { PickleObject, PickleValue } from "../pickle/values.ts"
import type { TorchDtype } from "./dtypes.ts"

/** A run of memory that was saved: tensors are views of it. */
export interface Storage {
  /** Its place among the storages of its checkpoint. */
  readonly index: number
  /** As the pickle names it. */
  readonly key: string
  readonly byteLength: number
  /** In elements of the storage class that the pickle named first; bytes when that is untyped. */
  readonly elementCount: number
  /** The device it was saved from, such as `cpu` or `cuda:0`. */
  readonly location: string
  /** Where its bytes lie. */
  readonly extent: ByteExtent
}

/** The location of storages that have no bytes in torch (`_meta_deserialize` of torch/serialization.py). */
export const NOWHERE = "meta"

/** A storage as the pickle refers to it: with the element type it is seen through, or a part of it (old files). */
export interface StorageReference extends PickleObject {
  readonly kind: "object:storage"
  readonly storage: Storage
  /** Undefined for an untyped storage: its elements are bytes until a tensor says otherwise. */
  readonly dtype: TorchDtype | undefined
  /** First element of the part, in elements of `dtype` (bytes when untyped). 0 except for legacy storage views. */
  readonly elementOffset: number
  /** Elements of the part. */
  readonly elementCount: number
}

/** A tensor: a strided view of a storage. */
export interface TensorRecord extends PickleObject {
  readonly kind: "object:tensor"
  readonly dtype: TorchDtype
  /** Sizes, outermost dimension first. Empty for a scalar. */
  readonly shape: readonly number[]
  /** Steps in elements, one a dimension. */
  readonly strides: readonly number[]
  /** Product of the sizes. */
  readonly elementCount: number
  /** First element, from the start of the storage, in elements of `dtype`. */
  readonly elementOffset: number
  readonly storage: Storage
  /** The conj bit: the values are the complex conjugates of what the storage holds. */
  readonly conjugate: boolean
  /** The neg bit: the values are the negatives of what the storage holds. */
  readonly negative: boolean
}

/** A tensor that is understood and that safetensors cannot hold. It is an error only where it is asked for. */
export interface UnsupportedTensor extends PickleObject {
  readonly kind: "object:unsupported-tensor"
  /** Why, for a message: "a quantized tensor", "a sparse tensor". */
  readonly reason: string
  /** What it would be rebuilt from: storages and tensors are among it or in it. */
  readonly parts: readonly PickleValue[]
}

/** A tensor, or one that safetensors cannot hold. */
export type AnyTensor = TensorRecord | UnsupportedTensor

/** Bytes of the tensor once laid out in C order. */
export function tensorByteLength(tensor: TensorRecord): number {
  return tensor.elementCount * tensor.dtype.itemBytes
}

export function isTensor(value: unknown): value is TensorRecord {
  return kindOf(value) === "object:tensor"
}

export function isUnsupportedTensor(value: unknown): value is UnsupportedTensor {
  return kindOf(value) === "object:unsupported-tensor"
}

export function isStorageReference(value: unknown): value is StorageReference {
  return kindOf(value) === "object:storage"
}

function kindOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined
}
