/** Tensors as every input gives them: strided views of storages. No weight has been read when these exist. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import type { ElementTransform } from "../strided/elements.ts"

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

// The dtypes of tensors, by the names of torch 2.13, in the order of `c10/core/ScalarType.h`: how their elements lie in
// memory, and which dtype of safetensors holds them (safetensors 0.8, bindings/python, `safetensors/torch.py`).

/** How an element is made up. "opaque" elements can be copied but not negated or named in safetensors. */
type DtypeFamily = "float" | "signed" | "unsigned" | "bool" | "complex" | "opaque"

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
