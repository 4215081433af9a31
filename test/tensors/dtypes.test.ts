import { describe, expect, it } from "vitest"
import { DTYPES } from "../../src/tensors/tensor.ts"
import { STORAGE_CLASSES } from "../../src/torch/allowed-globals.ts"

/**
 * Bytes of an element of each dtype of torch 2.13:
 *
 *     python -c "import torch; d = {v for v in vars(torch).values() if isinstance(v, torch.dtype)}; \
 *       print(sorted((v.itemsize, str(v)[6:]) for v in d))"
 */
const ITEM_BYTES: readonly (readonly [itemBytes: number, names: string])[] = [
  [1, "bits1x8 bits2x4 bits4x2 bits8 bool float4_e2m1fn_x2 float8_e4m3fn float8_e4m3fnuz float8_e5m2"],
  [1, "float8_e5m2fnuz float8_e8m0fnu int1 int2 int3 int4 int5 int6 int7 int8 qint8 quint2x4 quint4x2"],
  [1, "quint8 uint1 uint2 uint3 uint4 uint5 uint6 uint7 uint8"],
  [2, "bfloat16 bits16 float16 int16 uint16"],
  [4, "complex32 float32 int32 qint32 uint32"],
  [8, "complex64 float64 int64 uint64"],
  [16, "complex128"],
]

describe("dtypes", () => {
  it("are torch's, with its sizes", () => {
    const expected = ITEM_BYTES.flatMap(([itemBytes, names]) =>
      names.split(" ").map((name) => [name, itemBytes]),
    )
    const actual = Array.from(DTYPES.values(), ({ name, itemBytes }) => [name, itemBytes])
    expect(actual.sort()).toEqual(expected.sort())
  })

  it("swap whole elements, and complex ones by halves", () => {
    for (const { itemBytes, partBytes, family } of DTYPES.values()) {
      expect(partBytes).toBe(family === "complex" ? itemBytes / 2 : itemBytes)
    }
  })

  it("are known for every storage class", () => {
    expect(STORAGE_CLASSES.size).toBe(17)
    for (const name of STORAGE_CLASSES.values()) expect(DTYPES.has(name)).toBe(true)
  })
})
