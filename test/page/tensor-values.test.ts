import { createHash } from "node:crypto"
import { expect, it } from "vitest"
import { isComplex, isWhole, numberDtype, numbersIn } from "../../examples/web/src/model/tensor-values.ts"
import type { SafetensorsDtype } from "../../src/index.ts"
import { DTYPES } from "../../src/tensors/tensor.ts"

/**
 * SHA-256 of the values of all codes in order, as float64 with one NaN, by torch 2.13:
 * `torch.arange(256, dtype=torch.uint8).view(dtype).to(torch.float64)`, and 65,536 for the types of two bytes.
 */
const BY_TORCH: readonly (readonly [dtype: string, digest: string])[] = [
  ["float8_e5m2", "0ebeb4cd681ba45cb07e8f6b4ab91af1056631d20f320d9f24715be364b12fc9"],
  ["float8_e4m3fn", "98959cdf4be234fd2c6642943d11510f6dd8cbf68b437ddcb4bf4ca7a004e444"],
  ["float8_e5m2fnuz", "0480d2f04b2d4dad466fe8d5cbdd1b52cb2d952f449d7db61b4baf47d9eb8e34"],
  ["float8_e4m3fnuz", "10ad41a5ddbd0da6168954bade20482aeedd69e0295ddef42da4703067b24be6"],
  ["float8_e8m0fnu", "a3dfaeaa54eb87b76adef58c843169028fa210a890278990a995026e47364470"],
  ["float16", "ecc18b9b372011f0402dc5e75578328f4b1582c725748617e1451a3ccc7981a5"],
  ["bfloat16", "6a00f29e7303e153fd9ec155cefb51fd665981aa463226c50006bc72f6739520"],
]

/** What torch calls a dtype, and its name in safetensors. */
function named(torchDtype: string): { torchDtype: string; dtype: SafetensorsDtype | undefined } {
  return { torchDtype, dtype: DTYPES.get(torchDtype)?.safetensors }
}

function decoded(torchDtype: string, bytes: Uint8Array<ArrayBuffer>): Float64Array {
  const dtype = numberDtype(named(torchDtype))
  if (dtype === undefined) throw new Error(`${torchDtype} is not decoded`)
  return numbersIn(bytes, dtype)
}

/** The bytes of `array` at an odd place, as in a file. */
function unaligned(array: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(array.byteLength + 1)
  bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), 1)
  return bytes.subarray(1)
}

it.each(BY_TORCH)("decodes every code of %s as torch does", (dtype, digest) => {
  const isWide = DTYPES.get(dtype)?.itemBytes === 2
  const codes = isWide
    ? Uint16Array.from({ length: 65_536 }, (_, code) => code)
    : Uint8Array.from({ length: 256 }, (_, code) => code)
  const values = decoded(dtype, unaligned(codes)).map((value) => (Number.isNaN(value) ? Number.NaN : value))
  const hash = createHash("sha256").update(new Uint8Array(values.buffer))
  expect(hash.digest("hex")).toBe(digest)
})

it.each([
  ["uint8", Uint8Array.of(0, 255), [0, 255]],
  ["int8", Int8Array.of(-128, 127), [-128, 127]],
  ["int16", Int16Array.of(-32768, 1), [-32768, 1]],
  ["uint16", Uint16Array.of(65535), [65535]],
  ["int32", Int32Array.of(-5, 6), [-5, 6]],
  ["uint32", Uint32Array.of(4294967295), [4294967295]],
  ["int64", BigInt64Array.of(-7n, 2n ** 53n), [-7, 2 ** 53]],
  ["uint64", BigUint64Array.of(2n ** 64n - 1n), [2 ** 64]],
  ["float32", Float32Array.of(1.5, -0.1), [1.5, Math.fround(-0.1)]],
  ["float64", Float64Array.of(0.1), [0.1]],
  ["complex64", Float32Array.of(1, -2, 3, 4), [1, -2, 3, 4]],
  ["complex128", Float64Array.of(1, -2), [1, -2]],
  ["complex32", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
  ["bool", Uint8Array.of(0, 1, 2, 255), [0, 1, 1, 1]],
  ["float4_e2m1fn_x2", Uint8Array.of(0x10, 0x7f), [0, 0.5, -6, 6]],
])("decodes %s", (dtype, array, expected) => {
  expect([...decoded(dtype, unaligned(array))]).toEqual(expected)
})

it("leaves what stands for no numbers", () => {
  for (const dtype of ["qint8", "int4", "bits16"]) expect(numberDtype(named(dtype)), dtype).toBeUndefined()
  expect(numberDtype({ torchDtype: "f6_e2m3", dtype: "F6_E2M3" })).toBeUndefined()
})

it("tells complex and whole numbers", () => {
  const complex = [...DTYPES.keys()].filter((torchDtype) => isComplex({ torchDtype, dtype: undefined }))
  expect(complex).toEqual(["complex32", "complex64", "complex128"])
  const whole = [...DTYPES.values()].flatMap(({ safetensors }) => safetensors ?? []).filter(isWhole)
  expect(whole.sort()).toEqual(["BOOL", "I16", "I32", "I64", "I8", "U16", "U32", "U64", "U8"])
})
