/**
 * The dtypes of tensors, by the names of torch 2.13, in the order of `c10/core/ScalarType.h`: how their elements lie in
 * memory, and which dtype of safetensors holds them (safetensors 0.8, bindings/python, `safetensors/torch.py`).
 */

import type { SafetensorsDtype } from "../safetensors/dtypes.ts"

/** How an element is made up. "opaque" elements can be copied but not negated or named in safetensors. */
export type DtypeFamily = "float" | "signed" | "unsigned" | "bool" | "complex" | "opaque"

export interface Dtype {
  /** Name under `torch`, such as `bfloat16`. */
  readonly name: string
  /** Bytes of one element. */
  readonly itemBytes: number
  /** The unit that a byte order swaps: half an element for complex numbers. */
  readonly partBytes: number
  readonly family: DtypeFamily
  /** Undefined where safetensors has none. */
  readonly safetensors: SafetensorsDtype | undefined
}

type Row = readonly [
  name: string,
  itemBytes: number,
  partBytes: number,
  family: DtypeFamily,
  safetensors?: SafetensorsDtype,
]

const ROWS: readonly Row[] = [
  ["uint8", 1, 1, "unsigned", "U8"],
  ["int8", 1, 1, "signed", "I8"],
  ["int16", 2, 2, "signed", "I16"],
  ["int32", 4, 4, "signed", "I32"],
  ["int64", 8, 8, "signed", "I64"],
  ["float16", 2, 2, "float", "F16"],
  ["float32", 4, 4, "float", "F32"],
  ["float64", 8, 8, "float", "F64"],
  ["complex32", 4, 2, "complex"],
  ["complex64", 8, 4, "complex", "C64"],
  ["complex128", 16, 8, "complex"],
  ["bool", 1, 1, "bool", "BOOL"],
  ["qint8", 1, 1, "opaque"],
  ["quint8", 1, 1, "opaque"],
  ["qint32", 4, 4, "opaque"],
  ["bfloat16", 2, 2, "float", "BF16"],
  ["quint4x2", 1, 1, "opaque"],
  ["quint2x4", 1, 1, "opaque"],
  ["bits1x8", 1, 1, "opaque"],
  ["bits2x4", 1, 1, "opaque"],
  ["bits4x2", 1, 1, "opaque"],
  ["bits8", 1, 1, "opaque"],
  ["bits16", 2, 2, "opaque"],
  ["float8_e5m2", 1, 1, "opaque", "F8_E5M2"],
  ["float8_e4m3fn", 1, 1, "opaque", "F8_E4M3"],
  ["float8_e5m2fnuz", 1, 1, "opaque", "F8_E5M2FNUZ"],
  ["float8_e4m3fnuz", 1, 1, "opaque", "F8_E4M3FNUZ"],
  ["uint16", 2, 2, "unsigned", "U16"],
  ["uint32", 4, 4, "unsigned", "U32"],
  ["uint64", 8, 8, "unsigned", "U64"],
  ["uint1", 1, 1, "opaque"],
  ["uint2", 1, 1, "opaque"],
  ["uint3", 1, 1, "opaque"],
  ["uint4", 1, 1, "opaque"],
  ["uint5", 1, 1, "opaque"],
  ["uint6", 1, 1, "opaque"],
  ["uint7", 1, 1, "opaque"],
  ["int1", 1, 1, "opaque"],
  ["int2", 1, 1, "opaque"],
  ["int3", 1, 1, "opaque"],
  ["int4", 1, 1, "opaque"],
  ["int5", 1, 1, "opaque"],
  ["int6", 1, 1, "opaque"],
  ["int7", 1, 1, "opaque"],
  ["float8_e8m0fnu", 1, 1, "opaque", "F8_E8M0"],
  ["float4_e2m1fn_x2", 1, 1, "opaque", "F4"],
]

/** The dtypes by name. */
export const DTYPES: ReadonlyMap<string, Dtype> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ ROWS.map(([name, itemBytes, partBytes, family, safetensors]) => [
    name,
    Object.freeze({ name, itemBytes, partBytes, family, safetensors }),
  ]),
)
