/** Tensors as every input gives them: strided views of storages. No weight has been read when these exist. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import type { ElementTransform } from "../strided/transform.ts"
import type { Dtype } from "./dtypes.ts"

/** A run of bytes that tensors are views of. */
export interface Storage {
  /** Its place among the storages of its input. */
  readonly index: number
  /** What the input calls it. Tensors with the same key share memory. */
  readonly key: string
  readonly byteLength: number
  /** The device it was saved from, such as `cpu` or `cuda:0`. */
  readonly location: string
  /** Where its bytes lie. */
  readonly extent: ByteExtent
}

/** A tensor: a strided view of a storage, and what is done to each element that is picked from there. */
export interface Tensor {
  readonly kind: "object:tensor"
  readonly dtype: Dtype
  /** Sizes, outermost dimension first. Empty for a scalar. */
  readonly shape: readonly number[]
  /** Steps in elements, one a dimension. */
  readonly strides: readonly number[]
  /** Product of the sizes. */
  readonly elementCount: number
  /** First element, from the start of the storage, in elements of `dtype`. */
  readonly elementOffset: number
  readonly storage: Storage
  /** Undefined where elements are stored as safetensors holds them: little-endian, with their own sign. */
  readonly transform: ElementTransform | undefined
}

/** A tensor that is understood and that safetensors cannot hold. It is an error only where it is asked for. */
export interface UnsupportedTensor {
  readonly kind: "object:unsupported-tensor"
  /** Why, for a message: "a quantized tensor", "a sparse tensor". */
  readonly reason: string
}

/** A tensor, or one that safetensors cannot hold. */
export type AnyTensor = Tensor | UnsupportedTensor

/** The dtype and shape under which a tensor is written. */
export interface Target {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
}

/** A tensor and its name. */
export interface NamedTensor<Kind extends AnyTensor = Tensor> {
  readonly name: string
  readonly tensor: Kind
  /** How safetensors holds it, where the input says that. Default: as its dtype says. */
  readonly target?: Target | undefined
}

/** A tensor that was found in an input, with its name there. */
export type FoundTensor = NamedTensor<AnyTensor>

/** How a tensor is written, or why it cannot be. */
export function targetOf({ dtype, shape }: Tensor): Target | { readonly reason: string } {
  const { name, safetensors } = dtype
  if (safetensors === undefined) return { reason: `safetensors has no dtype for ${name}` }
  if (safetensors !== "F4") return { dtype: safetensors, shape }
  // torch counts bytes that hold two values each, safetensors counts values along the last dimension.
  const last = shape.at(-1)
  if (last === undefined) return { reason: `a ${name} without dimensions has no shape in safetensors` }
  if (!Number.isSafeInteger(last * 2)) return { reason: `a ${name} has a dimension that is too large` }
  return { dtype: safetensors, shape: [...shape.slice(0, -1), last * 2] }
}

/** Bytes of the tensor once laid out in C order. */
export function tensorByteLength(tensor: Tensor): number {
  return tensor.elementCount * tensor.dtype.itemBytes
}

export function isTensor(value: unknown): value is Tensor {
  return kindOf(value) === "object:tensor"
}

export function isUnsupportedTensor(value: unknown): value is UnsupportedTensor {
  return kindOf(value) === "object:unsupported-tensor"
}

function kindOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined
}
