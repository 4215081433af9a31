/** Which safetensors dtype holds which torch dtype, as safetensors 0.8 maps them (bindings/python, `safetensors/torch.py`). */

import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import type { TensorRecord } from "../torch/tensor-record.ts"

const TARGETS: ReadonlyMap<string, SafetensorsDtype> = new Map([
  ["bool", "BOOL"],
  ["uint8", "U8"],
  ["int8", "I8"],
  ["int16", "I16"],
  ["uint16", "U16"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
  ["int32", "I32"],
  ["uint32", "U32"],
  ["float32", "F32"],
  ["complex64", "C64"],
  ["float64", "F64"],
  ["int64", "I64"],
  ["uint64", "U64"],
  ["float8_e4m3fn", "F8_E4M3"],
  ["float8_e5m2", "F8_E5M2"],
  ["float8_e4m3fnuz", "F8_E4M3FNUZ"],
  ["float8_e5m2fnuz", "F8_E5M2FNUZ"],
  ["float8_e8m0fnu", "F8_E8M0"],
  ["float4_e2m1fn_x2", "F4"],
])

/** The dtype and shape under which a tensor is written. */
export interface Target {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
}

/** How a tensor is written, or why it cannot be. */
export function targetOf({ dtype, shape }: TensorRecord): Target | { readonly reason: string } {
  const target = TARGETS.get(dtype.name)
  if (target === undefined) return { reason: `safetensors has no dtype for ${dtype.name}` }
  if (target !== "F4") return { dtype: target, shape }
  // torch counts bytes that hold two values each, safetensors counts values along the last dimension.
  const last = shape.at(-1)
  if (last === undefined) return { reason: `a ${dtype.name} without dimensions has no shape in safetensors` }
  if (!Number.isSafeInteger(last * 2)) return { reason: `a ${dtype.name} has a dimension that is too large` }
  return { dtype: target, shape: [...shape.slice(0, -1), last * 2] }
}
