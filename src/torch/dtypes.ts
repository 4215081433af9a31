/**
 * The dtypes of torch 2.13 and how their elements lie in memory, in the order of `c10/core/ScalarType.h`.
 *
 * `itemBytes` is what one element takes; `partBytes` is the unit that a byte order swaps (half an element for complex
 * numbers). `family` decides what the neg and conj bits do.
 */

/** How an element is made up. "opaque" elements can be copied but not negated or named in safetensors. */
export type DtypeFamily = "float" | "signed" | "unsigned" | "bool" | "complex" | "opaque"

export interface TorchDtype {
  /** Name under `torch`, such as `bfloat16`. */
  readonly name: string
  readonly itemBytes: number
  readonly partBytes: number
  readonly family: DtypeFamily
}

const ROWS: readonly (readonly [name: string, itemBytes: number, partBytes: number, family: DtypeFamily])[] =
  [
    ["uint8", 1, 1, "unsigned"],
    ["int8", 1, 1, "signed"],
    ["int16", 2, 2, "signed"],
    ["int32", 4, 4, "signed"],
    ["int64", 8, 8, "signed"],
    ["float16", 2, 2, "float"],
    ["float32", 4, 4, "float"],
    ["float64", 8, 8, "float"],
    ["complex32", 4, 2, "complex"],
    ["complex64", 8, 4, "complex"],
    ["complex128", 16, 8, "complex"],
    ["bool", 1, 1, "bool"],
    ["qint8", 1, 1, "opaque"],
    ["quint8", 1, 1, "opaque"],
    ["qint32", 4, 4, "opaque"],
    ["bfloat16", 2, 2, "float"],
    ["quint4x2", 1, 1, "opaque"],
    ["quint2x4", 1, 1, "opaque"],
    ["bits1x8", 1, 1, "opaque"],
    ["bits2x4", 1, 1, "opaque"],
    ["bits4x2", 1, 1, "opaque"],
    ["bits8", 1, 1, "opaque"],
    ["bits16", 2, 2, "opaque"],
    ["float8_e5m2", 1, 1, "opaque"],
    ["float8_e4m3fn", 1, 1, "opaque"],
    ["float8_e5m2fnuz", 1, 1, "opaque"],
    ["float8_e4m3fnuz", 1, 1, "opaque"],
    ["uint16", 2, 2, "unsigned"],
    ["uint32", 4, 4, "unsigned"],
    ["uint64", 8, 8, "unsigned"],
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
    ["float8_e8m0fnu", 1, 1, "opaque"],
    ["float4_e2m1fn_x2", 1, 1, "opaque"],
  ]

/** The dtypes by name. */
export const TORCH_DTYPES: ReadonlyMap<string, TorchDtype> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ ROWS.map(([name, itemBytes, partBytes, family]) => [
    name,
    Object.freeze({ name, itemBytes, partBytes, family }),
  ]),
)

/** The typed storage classes, under `torch` and `torch.cuda`, and the dtype of each (torch/storage.py). */
export const STORAGE_CLASSES: ReadonlyMap<string, string> = new Map([
  ["DoubleStorage", "float64"],
  ["FloatStorage", "float32"],
  ["HalfStorage", "float16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
  ["BFloat16Storage", "bfloat16"],
  ["ComplexDoubleStorage", "complex128"],
  ["ComplexFloatStorage", "complex64"],
  ["QUInt8Storage", "quint8"],
  ["QInt8Storage", "qint8"],
  ["QInt32Storage", "qint32"],
  ["QUInt4x2Storage", "quint4x2"],
  ["QUInt2x4Storage", "quint2x4"],
])
