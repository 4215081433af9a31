/** Every rule by hand-written files: the rules found, in order, and where. */

import { describe, expect, it } from "vitest"
import { memorySource } from "../../src/bytes/sources.ts"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import type { Limits } from "../../src/limits/limits.ts"
import { HEADER_RULES } from "../../src/safetensors/header-rules.ts"
import { parseSafetensorsHeader } from "../../src/safetensors/parse-header.ts"
import { checkSafetensors } from "../../src/safetensors/read-header.ts"
import { entry, fileOf } from "./header-bytes.ts"

type Case = readonly [title: string, bytes: Uint8Array, rules: readonly string[], limits?: Partial<Limits>]

const A = `"a":${entry()}`
const header = (...entries: string[]): Uint8Array => fileOf(`{${entries.join(",")}}`, 4)
const only = (fields: Readonly<Record<string, string>>): Uint8Array => header(`"a":${entry(fields)}`)
const metadata = (json: string): Uint8Array => fileOf(`{"__metadata__":${json}}`)
const ranged = (name: string, start: number, end: number): string =>
  `"${name}":${entry({ shape: `[${end - start}]`, data_offsets: `[${start},${end}]` })}`

const CASES: Readonly<Record<string, readonly Case[]>> = {
  "the frame": [
    ["seven bytes", new Uint8Array(7), ["file-too-short"]],
    ["a header above the limit", fileOf("{}", 0, 100_000_001n), ["header-too-large", "header-past-end"]],
    ["a length of 2^64 - 1", fileOf("{}", 0, 2n ** 64n - 1n), ["header-too-large", "header-past-end"]],
    ["a lower limit", fileOf(`{${" ".repeat(98)}}`), ["header-too-large"], { maxHeaderBytes: 99 }],
    ["a header past the end", fileOf("{}", 0, 3n), ["header-past-end"]],
    ["an empty header", fileOf(""), ["header-start"]],
  ],
  "the text": [
    ["bytes that are not UTF-8", fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), ["header-utf8"]],
    ["an array", fileOf("[]"), ["header-start"]],
    ["a byte order mark", fileOf("\ufeff{}"), ["header-start"]],
    ["white space first", fileOf(` {${A}}`, 4), ["header-start"]],
    ["white space first, and more", fileOf("\n{"), ["header-start", "json-syntax"]],
    ["a line feed behind", fileOf(`{${A}} \n `, 4), ["header-padding"]],
    ["a line feed and text behind", fileOf("{}\nx"), ["header-padding", "json-syntax"]],
    ["a NUL behind", fileOf("{}\0"), ["json-syntax"]],
    ["no closing brace", fileOf(`{${A}`, 4), ["json-syntax"]],
    ["17 containers", only({ x: `${"[".repeat(15)}${"]".repeat(15)}` }), ["field-unknown", "json-nesting"]],
    ["16 containers", only({ x: `${"[".repeat(14)}${"]".repeat(14)}` }), ["field-unknown"]],
    ["too many tensors", header(A, A.replace("a", "b")), ["too-many-entries"], { maxTensors: 1 }],
    ["too many metadata keys", metadata('{"a":"","b":""}'), ["too-many-entries"], { maxTensors: 1 }],
    ["too many fields", only({ x: "1" }), ["too-many-entries"], { maxTensors: 1 }],
  ],
  names: [
    ["one name twice", header(A, A), ["name-duplicate", "data-overlap"]],
    ["one name twice, escaped", header(A, A.replace("a", "\\u0061")), ["name-duplicate", "data-overlap"]],
    ["one name twice, the first wrong", header('"a":1', A), ["entry-type", "name-duplicate"]],
    ["a NUL", header(A.replace("a", "a\\u0000")), ["name-nul"]],
    ["names of objects", header(A.replace("a", "__proto__"), ranged("constructor", 4, 4)), []],
  ],
  metadata: [
    ["twice", fileOf('{"__metadata__":{},"__metadata__":{}}'), ["metadata-duplicate"]],
    ["an array", metadata("[]"), ["metadata-type"]],
    ["text", metadata('"pt"'), ["metadata-type"]],
    ["null", metadata("null"), ["metadata-null"]],
    ["a key twice", metadata('{"a":"1","a":"2"}'), ["metadata-key-duplicate"]],
    [
      "values that are not strings",
      metadata('{"a":1,"b":{},"c":null,"d":"x"}'),
      Array(3).fill("metadata-value-type"),
    ],
  ],
  entries: [
    ["null", fileOf('{"a":null}'), ["entry-type"]],
    ["an array", header('"a":["U8",[4],[0,4]]'), ["entry-type"]],
    ["no fields", fileOf('{"a":{}}'), Array(3).fill("field-missing")],
    ["a field twice", header(`"a":${entry().replace("}", ',"dtype":"U8"}')}`), ["field-duplicate"]],
    ["an unknown field", only({ x: '{"y":[1.5,true]}' }), ["field-unknown"]],
    [
      "an unknown field twice",
      header(`"a":${entry({ x: "1" }).replace("}", ',"x":1}')}`),
      ["field-unknown", "field-duplicate"],
    ],
    ["a dtype that is a number", only({ dtype: "4" }), ["dtype-type"]],
    ["a dtype that is an object", only({ dtype: '{"U8":null}' }), ["dtype-type"]],
    ["a dtype in lower case", only({ dtype: '"u8"' }), ["dtype-unknown"]],
    ["a dtype that objects have", only({ dtype: '"constructor"' }), ["dtype-unknown"]],
    ["a shape that is null", only({ shape: "null" }), ["shape-type"]],
    ["a shape of other things", only({ shape: '[4.0,4e0,"4",-4,-0,null,[4]]' }), Array(7).fill("shape-type")],
    ["a dimension of 2^53", only({ shape: "[9007199254740992]" }), ["shape-range"]],
    ["a dimension of 2^64", only({ shape: "[18446744073709551616]" }), ["shape-type"]],
    ["65 dimensions", only({ shape: `[${"1,".repeat(64)}4]` }), ["shape-rank"]],
    ["64 dimensions", only({ shape: `[${"1,".repeat(63)}4]` }), []],
    ["2^64 elements", only({ shape: "[4294967296,4294967296]" }), ["shape-overflow"]],
    ["2^64 elements before none", only({ shape: "[4294967296,4294967296,0]" }), ["shape-overflow"]],
    ["offsets that are an object", only({ data_offsets: "{}" }), ["offsets-type"]],
    ["offsets of three", only({ data_offsets: "[0,4,4]" }), ["offsets-type"]],
    ["offsets of one", only({ data_offsets: "[0]" }), ["offsets-type"]],
    ["offsets that are negative", only({ data_offsets: "[-4,0]" }), ["offsets-type"]],
    ["offsets of 2^53", only({ data_offsets: "[0,9007199254740992]" }), ["offsets-range"]],
    ["offsets reversed", only({ data_offsets: "[4,0]" }), ["offsets-reversed"]],
    ["half a byte", only({ dtype: '"F4"', shape: "[7]" }), ["size-misaligned"]],
    ["another size", only({ shape: "[5]" }), ["size-mismatch"]],
    [
      "everything wrong",
      header('"a":{"dtype":1,"shape":2,"data_offsets":3,"x":4}'),
      ["dtype-type", "shape-type", "offsets-type", "field-unknown"],
    ],
  ],
  "the layout": [
    ["not from 0", header(ranged("a", 1, 4)), ["data-start"]],
    ["a hole", header(ranged("a", 0, 1), ranged("b", 2, 4)), ["data-hole"]],
    [
      "two holes",
      header(ranged("c", 3, 4), ranged("a", 0, 1), ranged("b", 2, 2)),
      ["data-hole", "data-hole"],
    ],
    ["an overlap", header(ranged("a", 0, 3), ranged("b", 2, 4)), ["data-overlap"]],
    ["an empty tensor inside another", header(ranged("a", 0, 4), ranged("b", 2, 2)), ["data-overlap"]],
    [
      "empty tensors that share an offset",
      header(ranged("b", 0, 0), ranged("c", 0, 0), ranged("a", 0, 4)),
      [],
    ],
    ["data missing", fileOf(`{${A}}`, 3), ["data-truncated"]],
    ["data left over", fileOf(`{${A}}`, 5), ["data-trailing"]],
    ["data without tensors", fileOf("{}", 1), ["data-trailing"]],
    [
      "a hole that a broken entry may fill",
      header(ranged("a", 0, 1), '"b":null', ranged("c", 2, 4)),
      ["entry-type"],
    ],
    [
      "an overlap beside a broken entry",
      header(A, '"b":null', ranged("c", 2, 4)),
      ["entry-type", "data-overlap"],
    ],
  ],
}

async function findingsOf(bytes: Uint8Array, limits: Partial<Limits> = {}) {
  return (await checkSafetensors(memorySource(bytes), { limits })).findings
}

for (const [about, cases] of Object.entries(CASES)) {
  describe(about, () => {
    for (const [title, bytes, rules, limits] of cases) {
      it(title, async () => {
        const findings = await findingsOf(bytes, limits)
        expect(findings.map((finding) => finding.rule)).toEqual(rules)
        for (const { rule, severity } of findings) expect(severity).toBe(HEADER_RULES.get(rule)?.severity)
      })
    }
  })
}

describe("the cases", () => {
  it("cover every rule", () => {
    const covered = new Set(Object.values(CASES).flatMap((cases) => cases.flatMap(([, , rules]) => rules)))
    expect([...HEADER_RULES.keys()].filter((rule) => !covered.has(rule))).toEqual(["findings-cut"])
  })
})

describe("findings", () => {
  it("name the tensor and the byte", async () => {
    const [finding] = await findingsOf(fileOf(`{"é":${entry()},"b":${entry({ dtype: '"u8"' })}}`, 4))
    const before = Buffer.byteLength(`{"é":${entry()},"b":{"dtype":`)
    expect(finding).toMatchObject({ rule: "dtype-unknown", tensor: "b", at: 8 + before })
  })

  it("place what is wrong with the layout in the data", async () => {
    const bytes = header(ranged("a", 0, 1), ranged("b", 2, 4))
    expect(await findingsOf(bytes)).toMatchObject([{ rule: "data-hole", tensor: "b", at: bytes.length - 3 }])
  })

  it("are listed up to 100,000, and counted beyond", async () => {
    const entries = Array.from({ length: 100_005 }, (_, index) => `"${index}":0`)
    const findings = await findingsOf(fileOf(`{${entries.join(",")}}`))
    expect(findings.length).toBe(100_001)
    expect(findings.at(-1)).toMatchObject({ rule: "findings-cut", problem: "5 more findings are not listed" })
  })

  it("keep errors visible behind any number of warnings", async () => {
    const fields = Array.from({ length: 100_005 }, (_, index) => `"${index}":0`)
    const findings = await findingsOf(fileOf(`{"a":{${fields.join(",")}}}`))
    expect(findings.filter((finding) => finding.severity === "error").length).toBe(3)
  })
})

describe("parseSafetensorsHeader", () => {
  const bytes = fileOf(
    `{"__metadata__":{"format":"pt"},"2":${entry()},"1":${entry({ data_offsets: "[4,8]" })}}   `,
    8,
  )

  it("returns what the header says, in its order", () => {
    const parsed = parseSafetensorsHeader(bytes)
    expect(parsed.metadata).toEqual(new Map([["format", "pt"]]))
    expect([...parsed.tensors]).toEqual([
      ["2", { dtype: "U8", shape: [4], start: 0, end: 4 }],
      ["1", { dtype: "U8", shape: [4], start: 4, end: 8 }],
    ])
    expect(parsed.dataOffset).toBe(bytes.length - 8)
    expect(parsed.headerByteLength).toBe(bytes.length - 16)
    expect(parseSafetensorsHeader(fileOf("{}")).metadata).toBeUndefined()
  })

  it("throws everything that is wrong at once", () => {
    const bad = header(`"a":${entry({ dtype: '"u8"', x: "1" })}`, '"b":{}')
    try {
      parseSafetensorsHeader(bad)
      expect.unreachable()
    } catch (error) {
      if (!isCheckpointError(error) || error.code !== "safetensors-invalid") throw error
      expect(error.detail.findings.map((finding) => finding.rule)).toEqual([
        "dtype-unknown",
        "field-unknown",
        "field-missing",
        "field-missing",
        "field-missing",
      ])
      expect(error.message).toMatch(
        /"a": no dtype is called "u8" \[dtype-unknown\]\n.*\[warning: field-unknown\]/,
      )
    }
  })

  it("checks the data's length only when told the file's", () => {
    const part = bytes.subarray(0, bytes.length - 8)
    expect(parseSafetensorsHeader(part).tensors.size).toBe(2)
    expect(parseSafetensorsHeader(part, { fileByteLength: bytes.length }).tensors.size).toBe(2)
    expect(() => parseSafetensorsHeader(part, { fileByteLength: bytes.length + 1 })).toThrow(/data-trailing/)
    expect(() => parseSafetensorsHeader(bytes, { fileByteLength: part.length })).toThrow(/data-truncated/)
  })

  it("tells a part of a header from a file that is cut off", () => {
    const part = bytes.subarray(0, 20)
    expect(() => parseSafetensorsHeader(part)).toThrow(/header-past-end/)
    expect(() => parseSafetensorsHeader(part, { fileByteLength: bytes.length })).toThrow(/only a part/)
    expect(() => parseSafetensorsHeader(part.subarray(0, 5), { fileByteLength: bytes.length })).toThrow(
      /only a part/,
    )
  })
})
