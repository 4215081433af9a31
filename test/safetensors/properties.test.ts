import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { memorySource } from "../../src/bytes/sources.ts"
import { dtypeFacts, SAFETENSORS_DTYPES, tensorByteLength } from "../../src/safetensors/dtypes.ts"
import { parseSafetensorsHeader, type SafetensorsHeader } from "../../src/safetensors/parse-header.ts"
import { checkSafetensors } from "../../src/safetensors/read-header.ts"
import type { HeaderTensor } from "../../src/safetensors/write-header.ts"
import { depth } from "../depth.ts"
import { writeHeader } from "./written-header.ts"

const ODD_NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "10",
  "2",
  "-1",
  "",
  "\ufeff",
  "\u{1f642}",
  '"\\',
  "\u2028",
]

const names = fc
  .oneof(fc.constantFrom(...ODD_NAMES), fc.string({ unit: "binary", maxLength: 12 }))
  .filter((name) => !name.includes("\0"))

const tensors = fc
  .uniqueArray(
    fc.record({
      name: names,
      dtype: fc.constantFrom(...[...SAFETENSORS_DTYPES.values()].map((facts) => facts.dtype)),
      shape: fc.array(fc.nat(9), { maxLength: 4 }).map((shape) => [...shape, 4]),
    }),
    { selector: (tensor) => tensor.name, maxLength: 12 },
  )
  .map((rows) => rows.map((row) => ({ ...row, byteLength: sizeOf(row) })))

const metadata = fc.option(
  fc.array(fc.tuple(names, fc.string({ unit: "binary" })), { maxLength: 4 }).map((rows) => new Map(rows)),
  { nil: undefined },
)

function sizeOf({ dtype, shape }: Pick<HeaderTensor, "dtype" | "shape">): number {
  const size = tensorByteLength(dtypeFacts(dtype).bitsPerElement, shape)
  if (typeof size === "string") throw new Error(size)
  return size
}

/** Fails unless the tensors tile the data from 0 to its end, each with the bytes that it needs. */
function expectConsistent(header: SafetensorsHeader, fileByteLength: number): void {
  let at = 0
  const sorted = [...header.tensors.values()].sort((a, b) => a.start - b.start || a.end - b.end)
  for (const tensor of sorted) {
    expect(tensor.start).toBe(at)
    expect(tensor.end - tensor.start).toBe(sizeOf(tensor))
    at = tensor.end
  }
  expect(header.dataOffset + at).toBe(fileByteLength)
}

describe("a header that was written", () => {
  it("is read as it was meant", () => {
    fc.assert(
      fc.property(tensors, metadata, (rows, texts) => {
        const written = writeHeader(rows, texts)
        const fileByteLength = written.bytes.length + written.dataByteLength
        const parsed = parseSafetensorsHeader(written.bytes, { fileByteLength })
        expect(parsed.metadata).toEqual(texts)
        expect(parsed.dataOffset).toBe(written.bytes.length)
        expect([...parsed.tensors]).toEqual(
          written.tensors.map(({ tensor: { name, dtype, shape }, start, end }) => [
            name,
            { dtype, shape, start, end },
          ]),
        )
        expectConsistent(parsed, fileByteLength)
      }),
      { numRuns: depth({ quick: 100, deep: 500 }) },
    )
  })

  it("is JSON to JSON.parse too", () => {
    fc.assert(
      fc.property(tensors, (rows) => {
        const { bytes } = writeHeader(rows)
        const json = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(8))
        expect(Object.keys(JSON.parse(json)).sort()).toEqual(rows.map(({ name }) => name).sort())
      }),
    )
  })

  it("has the same bytes whatever order the tensors come in", () => {
    fc.assert(
      fc.property(
        tensors.chain((rows) =>
          fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
        ),
        ([rows, shuffled]) => {
          expect(writeHeader(shuffled).bytes).toEqual(writeHeader(rows).bytes)
        },
      ),
    )
  })
})

describe("a file with one byte changed", () => {
  const { bytes, dataByteLength } = writeHeader(
    [
      { name: "é", dtype: "F32", shape: [2, 3], byteLength: 24 },
      { name: "2", dtype: "F4", shape: [2, 1], byteLength: 1 },
      { name: "\u{1f642}", dtype: "I64", shape: [], byteLength: 8 },
      { name: "0\t", dtype: "BF16", shape: [0, 7], byteLength: 0 },
    ],
    { format: "pt" },
  )
  const file = new Uint8Array(bytes.length + dataByteLength)
  file.set(bytes)

  it("either has findings or is consistent, and never does anything else", async () => {
    for (let index = 0; index < bytes.length; index++) {
      for (const change of [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, file[index] ?? 0]) {
        const mutated = Uint8Array.from(file)
        mutated[index] = (mutated[index] ?? 0) ^ change
        const check = await checkSafetensors(memorySource(mutated))
        expect(check.valid).toBe(check.header !== undefined)
        if (check.header === undefined) expect(check.findings.length).toBeGreaterThan(0)
        else expectConsistent(check.header, file.length)
      }
    }
  })

  it("so does one with bytes put in or taken out", async () => {
    const edit = fc.record({
      at: fc.nat(bytes.length),
      removed: fc.nat(3),
      put: fc.uint8Array({ maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(edit, async ({ at, removed, put }) => {
        const mutated = Buffer.concat([file.subarray(0, at), put, file.subarray(at + removed)])
        const check = await checkSafetensors(memorySource(mutated))
        if (check.header === undefined) expect(check.findings.length).toBeGreaterThan(0)
        else expectConsistent(check.header, mutated.length)
      }),
      { numRuns: depth({ quick: 150, deep: 1000 }) },
    )
  })

  it("so does any text of the header's tokens", async () => {
    const token = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"__metadata__"',
      '"dtype"',
      '"U8"',
      '"shape"',
      '"data_offsets"',
      "0",
      "4",
      '"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}',
      "null",
      " ",
    )
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 20 }), fc.nat(4), async (tokens, dataBytes) => {
        const header = Buffer.from(`{${tokens.join("")}`)
        const prefix = Buffer.alloc(8)
        prefix.writeBigUInt64LE(BigInt(header.length))
        const mutated = Buffer.concat([prefix, header, Buffer.alloc(dataBytes)])
        const check = await checkSafetensors(memorySource(mutated))
        if (check.header === undefined) expect(check.findings.length).toBeGreaterThan(0)
        else expectConsistent(check.header, mutated.length)
      }),
      { numRuns: depth({ quick: 300, deep: 2000 }) },
    )
  })
})
