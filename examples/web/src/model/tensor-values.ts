/** The numbers that the elements of a tensor stand for. */

import type { SafetensorsDtype, SupportedTensorInfo } from "tosafetensors"
import { toFloat32Array, toTypedArray } from "tosafetensors"

/** The parts of complex elements, each a number of its own. Of these dtypes safetensors has but complex64. */
const PARTS: ReadonlyMap<string, SafetensorsDtype> = new Map([
  ["complex32", "F16"],
  ["complex64", "F32"],
  ["complex128", "F64"],
])

/** Floats of which JavaScript has no arrays. A float32 holds each of their values. */
const NARROW = /^(BF16|F16|F8|F4)/

type Named = Pick<SupportedTensorInfo, "dtype" | "torchDtype">

/** How the numbers in a tensor's bytes are read; undefined where they stand for none, as those of quantized tensors. */
export function numberDtype({ dtype, torchDtype }: Named): SafetensorsDtype | undefined {
  const part = PARTS.get(torchDtype) ?? dtype
  // safetensors does not say how six-bit floats are packed.
  return part?.startsWith("F6_") ? undefined : part
}

/** Whether each element is two numbers. */
export function isComplex({ torchDtype }: Named): boolean {
  return PARTS.has(torchDtype)
}

/** Whether its elements are whole numbers, of which few are told apart one by one. */
export function isWhole(dtype: SafetensorsDtype): boolean {
  return /^([IU]\d|BOOL)/.test(dtype)
}

/** The numbers in `bytes`. 64-bit integers beyond 2^53 are rounded. */
export function numbersIn(bytes: Uint8Array<ArrayBuffer>, dtype: SafetensorsDtype): Float64Array {
  const values = NARROW.test(dtype) ? toFloat32Array(bytes, dtype) : toTypedArray(bytes, dtype)
  const isWide = values instanceof BigInt64Array || values instanceof BigUint64Array
  return isWide ? Float64Array.from(values, Number) : new Float64Array(values)
}
