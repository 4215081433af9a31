import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { dtypeFacts } from "../../src/safetensors/dtypes.ts"
import { compareUtf8, type OrderedTensor, sortTensorsSteps } from "../../src/safetensors/name-order.ts"
import { depth } from "../depth.ts"

const ASCENDING = [
  "",
  "\u0000",
  "10",
  "2",
  "A",
  "__proto__",
  "a",
  "aa",
  "a\u007f",
  "\u00e9",
  "\u07ff",
  "\u0800",
  "\ud7ff",
  "\ue000",
  "\ufb00",
  "\ufeff",
  "\uffff",
  "\u{10000}",
  "\u{1f642}",
  "\u{1f642}.w",
  "\u{1f643}",
  "\u{10ffff}",
]

describe("compareUtf8", () => {
  it("orders by code point, not by UTF-16 unit", () => {
    expect(compareUtf8("\uffff", "\u{10000}")).toBeLessThan(0)
    expect("\uffff" < "\u{10000}").toBe(false)
    for (const [place, a] of ASCENDING.entries()) {
      for (const [other, b] of ASCENDING.entries()) {
        expect(Math.sign(compareUtf8(a, b)), `${place} ${other}`).toBe(Math.sign(place - other))
      }
    }
  })

  it("agrees with the order of UTF-8 bytes", () => {
    const names = fc.string({ unit: "binary", maxLength: 6 })
    fc.assert(
      fc.property(names, names, names, (a, b, start) => {
        const bytes = Buffer.compare(Buffer.from(start + a), Buffer.from(start + b))
        expect(Math.sign(compareUtf8(start + a, start + b))).toBe(bytes)
      }),
      { numRuns: depth({ quick: 300, deep: 2000 }) },
    )
  })
})

/** Order of two tensors in a file that the reference writes. */
function compareTensors(a: OrderedTensor, b: OrderedTensor): number {
  if (a.dtype !== b.dtype) return dtypeFacts(b.dtype).rank - dtypeFacts(a.dtype).rank
  return compareUtf8(a.name, b.name)
}

function sortTensors(tensors: readonly OrderedTensor[]): readonly OrderedTensor[] {
  return atOnce(sortTensorsSteps(tensors, new Map(tensors.map((tensor) => [tensor.name, tensor]))))
}

describe("the order of tensors", () => {
  it("puts dtypes of higher rank first, then orders by name", () => {
    const tensors = [
      { name: "b", dtype: "U8" },
      { name: "z", dtype: "U64" },
      { name: "a", dtype: "F32" },
      { name: "\u{1f642}", dtype: "U8" },
      { name: "\uffff", dtype: "U8" },
      { name: "c", dtype: "BOOL" },
    ] as const
    const sorted = sortTensors(tensors)
    expect(sorted.map((tensor) => tensor.name)).toEqual(["z", "a", "b", "\uffff", "\u{1f642}", "c"])
    expect([...tensors].sort(compareTensors)).toEqual(sorted)
  })

  it("does the same as sorting by compareTensors", () => {
    const tensor = fc.record({
      name: fc.string({ unit: "binary", maxLength: 3 }),
      dtype: fc.constantFrom("BOOL" as const, "F4" as const, "F32" as const, "U64" as const),
    })
    fc.assert(
      fc.property(fc.uniqueArray(tensor, { selector: ({ name }) => name }), (tensors) => {
        const sorted = sortTensors(tensors)
        expect(sorted).toEqual([...tensors].sort(compareTensors))
      }),
    )
  })
})
