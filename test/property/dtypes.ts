/** The twenty dtypes that both torch and safetensors have. Written down once more, so that the sources are not trusted. */

/** One dtype. */
export interface Dtype {
  readonly torch: string
  readonly safetensors: string
  /** The storage class that torch pickles; undefined where only an untyped storage holds the dtype. */
  readonly storageClass: string | undefined
  readonly itemBytes: number
  /** What a byte order turns around: an element, or half a complex one. */
  readonly partBytes: number
  /** What the neg bit does: flips a sign bit, takes the two's complement, or is not allowed. */
  readonly negation: "sign" | "complement" | "none"
}

type Row = readonly [string, string, string | undefined, number, number, Dtype["negation"]]

/** In the order of a safetensors file. */
const ROWS: readonly Row[] = [
  ["uint64", "U64", undefined, 8, 8, "complement"],
  ["int64", "I64", "LongStorage", 8, 8, "complement"],
  ["float64", "F64", "DoubleStorage", 8, 8, "sign"],
  ["complex64", "C64", "ComplexFloatStorage", 8, 4, "sign"],
  ["float32", "F32", "FloatStorage", 4, 4, "sign"],
  ["uint32", "U32", undefined, 4, 4, "complement"],
  ["int32", "I32", "IntStorage", 4, 4, "complement"],
  ["bfloat16", "BF16", "BFloat16Storage", 2, 2, "sign"],
  ["float16", "F16", "HalfStorage", 2, 2, "sign"],
  ["uint16", "U16", undefined, 2, 2, "complement"],
  ["int16", "I16", "ShortStorage", 2, 2, "complement"],
  ["float8_e5m2fnuz", "F8_E5M2FNUZ", undefined, 1, 1, "none"],
  ["float8_e4m3fnuz", "F8_E4M3FNUZ", undefined, 1, 1, "none"],
  ["float8_e8m0fnu", "F8_E8M0", undefined, 1, 1, "none"],
  ["float8_e4m3fn", "F8_E4M3", undefined, 1, 1, "none"],
  ["float8_e5m2", "F8_E5M2", undefined, 1, 1, "none"],
  ["int8", "I8", "CharStorage", 1, 1, "complement"],
  ["uint8", "U8", "ByteStorage", 1, 1, "complement"],
  ["float4_e2m1fn_x2", "F4", undefined, 1, 1, "none"],
  ["bool", "BOOL", "BoolStorage", 1, 1, "none"],
]

export const DTYPES: readonly Dtype[] = ROWS.map(
  ([torch, safetensors, storageClass, itemBytes, partBytes, negation]) => ({
    torch,
    safetensors,
    storageClass,
    itemBytes,
    partBytes,
    negation,
  }),
)

/** The dtype of that torch name. */
export function dtypeNamed(torch: string): Dtype {
  const dtype = DTYPES.find((row) => row.torch === torch)
  if (dtype === undefined) throw new Error(`no dtype ${torch}`)
  return dtype
}
