import { describe, expect, it } from "vitest"
import {
  dtypeFacts,
  SAFETENSORS_DTYPES,
  type SafetensorsDtype,
  tensorByteLength,
} from "../../src/safetensors/dtypes.ts"

describe("dtypes", () => {
  it("has the 22 of safetensors 0.8, ranked in the reference's order", () => {
    expect([...SAFETENSORS_DTYPES.keys()].join(" ")).toBe(
      "BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ " +
        "I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64",
    )
    expect([...SAFETENSORS_DTYPES.values()].map((facts) => facts.rank)).toEqual([...Array(22).keys()])
  })

  it("knows the width of each", () => {
    const widths = new Map<number, string[]>()
    for (const { dtype, bitsPerElement } of SAFETENSORS_DTYPES.values()) {
      widths.set(bitsPerElement, [...(widths.get(bitsPerElement) ?? []), dtype])
    }
    expect(Object.fromEntries([...widths].map(([bits, names]) => [bits, names.length]))).toEqual({
      4: 1,
      6: 2,
      8: 8,
      16: 4,
      32: 3,
      64: 4,
    })
  })

  it("does not find what objects inherit", () => {
    expect(SAFETENSORS_DTYPES.get("constructor")).toBeUndefined()
    expect(SAFETENSORS_DTYPES.get("__proto__")).toBeUndefined()
    expect(() => dtypeFacts("f32" as SafetensorsDtype)).toThrow(/unknown/)
  })
})

describe("tensorByteLength", () => {
  it.each([
    [32, [2, 3], 24],
    [64, [], 8],
    [8, [5, 0, 7], 0],
    [4, [2], 1],
    [6, [4], 3],
    [4, [3], "size-misaligned"],
    [6, [2, 3], "size-misaligned"],
    [4, [0, 3], 0],
    [8, [2 ** 50], 2 ** 50],
    [8, [2 ** 53 - 1], 2 ** 53 - 1],
    [64, [2 ** 50], "shape-overflow"],
    [8, [2 ** 40, 2 ** 40], "shape-overflow"],
    [8, [2 ** 40, 2 ** 40, 0], "shape-overflow"],
    [8, [0, 2 ** 40, 2 ** 40], 0],
    [8, [2 ** 40, 2 ** 20, 0], 0],
    [8, [2 ** 32 + 1, 2 ** 32 + 4], "shape-overflow"],
  ] as const)("%i bits, %j: %s", (bits, shape, expected) => {
    expect(tensorByteLength(bits, shape)).toBe(expected)
  })
})
