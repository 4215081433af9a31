/** What is told of a tensor before any of its bytes has been read. */

import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import { isContiguous } from "../strided/view.ts"
import type { AnyTensor, Tensor } from "../tensors/tensor.ts"
import { isTensor, targetOf, tensorByteLength } from "../tensors/tensor.ts"

/** A tensor that can be converted. */
export interface SupportedTensorInfo {
  readonly kind: "tensor"
  /** torch's name of the dtype, such as `bfloat16`. */
  readonly torchDtype: string
  /** The dtype it gets in safetensors; undefined when there is none. */
  readonly dtype: SafetensorsDtype | undefined
  /** Sizes as torch counts them, outermost first. */
  readonly shape: readonly number[]
  /** Steps in elements. */
  readonly strides: readonly number[]
  /** First element in the storage, in elements. */
  readonly elementOffset: number
  readonly elementCount: number
  /** Bytes in C order. */
  readonly byteLength: number
  /** True when its bytes stand in the file as safetensors wants them; of a bool tensor, when all are 0 or 1. */
  readonly contiguous: boolean
  readonly storage: {
    /** As the pickle names it. Tensors with the same key share memory. */
    readonly key: string
    readonly byteLength: number
    /** The device it was saved from. */
    readonly location: string
  }
}

/** A tensor that is understood and cannot be converted. */
export interface UnsupportedTensorInfo {
  readonly kind: "unsupported-tensor"
  readonly reason: string
}

export type TensorInfo = SupportedTensorInfo | UnsupportedTensorInfo

export function describeTensor(tensor: Tensor): SupportedTensorInfo
export function describeTensor(tensor: AnyTensor): TensorInfo
export function describeTensor(tensor: AnyTensor): TensorInfo {
  if (!isTensor(tensor)) return { kind: "unsupported-tensor", reason: tensor.reason }
  const target = targetOf(tensor)
  const { shape, strides, elementOffset, elementCount, storage, transform } = tensor
  return {
    kind: "tensor",
    torchDtype: tensor.dtype.name,
    dtype: "reason" in target ? undefined : target.dtype,
    shape,
    strides,
    elementOffset,
    elementCount,
    byteLength: tensorByteLength(tensor),
    contiguous: isContiguous(tensor) && (transform === undefined || isPlain(transform)),
    storage: { key: storage.key, byteLength: storage.byteLength, location: storage.location },
  }
}

/** Whether elements are only looked at. */
function isPlain({ swapBytes, negate }: NonNullable<Tensor["transform"]>): boolean {
  return !swapBytes && negate === "none"
}
