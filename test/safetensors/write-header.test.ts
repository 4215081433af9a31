import { describe, expect, it } from "vitest"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { withLimits } from "../../src/limits/limits.ts"
import type { HeaderTensor } from "../../src/safetensors/write-header.ts"
import { writeHeader } from "./written-header.ts"

const one = (name: string, more: Partial<HeaderTensor> = {}): HeaderTensor => ({
  name,
  dtype: "U8",
  shape: [4],
  byteLength: 4,
  ...more,
})

function jsonOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(8))
}

function refusal(write: () => unknown): unknown {
  try {
    write()
  } catch (error) {
    return isCheckpointError(error) ? error.code : error
  }
  return undefined
}

describe("writeHeader", () => {
  it("writes length, compact JSON and spaces", () => {
    const { bytes } = writeHeader([one("w", { dtype: "F32", shape: [2, 3], byteLength: 24 })], {
      format: "pt",
    })
    const json = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    expect(jsonOf(bytes)).toBe(json.padEnd(88))
    expect([...bytes.subarray(0, 8)]).toEqual([88, 0, 0, 0, 0, 0, 0, 0])
  })

  it("places the tensors as given, in file order", () => {
    const tensors = [
      one("b"),
      one("a"),
      one("z", { dtype: "I64", shape: [1], byteLength: 8, index: 7 } as object),
    ]
    const { tensors: placed, dataByteLength } = writeHeader(tensors)
    expect(placed).toEqual([
      { tensor: tensors[2], start: 0, end: 8 },
      { tensor: tensors[1], start: 8, end: 12 },
      { tensor: tensors[0], start: 12, end: 16 },
    ])
    expect(placed[0]?.tensor).toBe(tensors[2])
    expect(dataByteLength).toBe(16)
  })

  it("keeps names that objects would reorder or lose", () => {
    const names = ["10", "2", "__proto__", "constructor"]
    const written = JSON.parse(jsonOf(writeHeader(names.toReversed().map((name) => one(name))).bytes))
    expect(Object.entries(written).length).toBe(4)
    const order = [...jsonOf(writeHeader(names.map((name) => one(name))).bytes).matchAll(/"([^"]*)":\{/g)]
    expect(order.map((match) => match[1])).toEqual(names)
  })

  it("sorts metadata keys by code point, of a map as of an object", () => {
    const entries: [string, string][] = [
      ["\u{10000}", "3"],
      ["\uffff", "2"],
      ["a", "1"],
      ["2", "0"],
      ["10", "x"],
    ]
    const json = '{"__metadata__":{"10":"x","2":"0","a":"1","\uffff":"2","\u{10000}":"3"}}'
    expect(jsonOf(writeHeader([], new Map(entries)).bytes).trimEnd()).toBe(json)
    expect(jsonOf(writeHeader([], Object.fromEntries(entries)).bytes).trimEnd()).toBe(json)
    expect(jsonOf(writeHeader([], new Map([["__proto__", "p"]])).bytes).trimEnd()).toBe(
      '{"__metadata__":{"__proto__":"p"}}',
    )
  })

  it("writes no metadata when there is none, and an empty map when it is empty", () => {
    expect(jsonOf(writeHeader([]).bytes)).toBe("{}      ")
    expect(jsonOf(writeHeader([], {}).bytes).trimEnd()).toBe('{"__metadata__":{}}')
  })

  it("pads to a multiple of 8 whatever the length", () => {
    for (let length = 1; length <= 17; length++) {
      expect(writeHeader([one("é".repeat(length))]).bytes.length % 8).toBe(0)
    }
  })

  it.each([
    ["__metadata__", "name-reserved"],
    ["\ud800", "name-encoding"],
    ["a\udc00b", "name-encoding"],
    ["\udc00\ud800", "name-encoding"],
    ["a\0b", "name-encoding"],
  ])("refuses the name %j", (name, code) => {
    expect(refusal(() => writeHeader([one("a"), one(name)]))).toBe(code)
  })

  it("refuses a name that comes twice, of another dtype too", () => {
    const twice = [one("a"), one("b"), one("b", { dtype: "I8" })]
    expect(refusal(() => writeHeader(twice))).toBe("name-duplicate")
    expect(() => writeHeader(twice)).toThrow(/"b"/)
  })

  it("keeps names apart that only look the same", () => {
    expect(writeHeader([one("é"), one("e\u0301")]).tensors.length).toBe(2)
  })

  it.each([
    ["too many bytes", { byteLength: 5 }],
    ["too few bytes", { byteLength: 3 }],
    ["half a byte", { dtype: "F4", shape: [3], byteLength: 2 }],
    ["too many elements", { shape: [2 ** 40, 2 ** 40], byteLength: 0 }],
    ["a dtype that is none", { dtype: "f32" as "F32" }],
  ] as const)("refuses %s", (_, more) => {
    expect(refusal(() => writeHeader([one("a", more)]))).toBe("invalid-argument")
  })

  it("refuses metadata that is not text", () => {
    expect(refusal(() => writeHeader([], { a: 1 as unknown as string }))).toBe("invalid-argument")
    expect(refusal(() => writeHeader([], { a: "\ud800" }))).toBe("invalid-argument")
    expect(refusal(() => writeHeader([], { "\ud800": "a" }))).toBe("invalid-argument")
  })

  it("holds its header to the limit, in bytes and padded", () => {
    const { bytes } = writeHeader([one("é")])
    const headerByteLength = bytes.length - 8
    const write = (maxHeaderBytes: number) => () =>
      writeHeader([one("é")], undefined, withLimits({ maxHeaderBytes }))
    expect(refusal(write(headerByteLength))).toBeUndefined()
    expect(refusal(write(headerByteLength - 1))).toBe("limit-exceeded")
  })

  it("stops writing soon after the limit", () => {
    const tensors = Array.from({ length: 50_000 }, (_, index) => one(`tensor ${index}`))
    const limits = withLimits({ maxHeaderBytes: 1000 })
    expect(refusal(() => writeHeader(tensors, undefined, limits))).toBe("limit-exceeded")
  })

  it("writes headers of many blocks", () => {
    const tensors = Array.from({ length: 3000 }, (_, index) => one(`\u{1f642}.${index}`))
    const { bytes, dataByteLength } = writeHeader(tensors)
    expect(dataByteLength).toBe(12_000)
    expect(Object.keys(JSON.parse(jsonOf(bytes))).length).toBe(3000)
  })
})
