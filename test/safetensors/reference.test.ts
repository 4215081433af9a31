/** Our writer against the reference's headers, and our checker against the verdicts of the reference's reader. */

import { describe, expect, it } from "vitest"
import { memorySource } from "../../src/bytes/sources.ts"
import { HEADER_RULES } from "../../src/safetensors/header-rules.ts"
import { parseSafetensorsHeader } from "../../src/safetensors/parse-header.ts"
import { checkSafetensors } from "../../src/safetensors/read-header.ts"
import { fromBase64, REFERENCE_FILES, REFERENCE_HEADERS } from "./reference-rows.ts"
import { writeHeader } from "./written-header.ts"

/** Files that the reference accepts and we refuse, with the rules that they break here. */
const STRICTER: ReadonlyMap<string, readonly string[]> = new Map([
  ["space before", ["header-start"]],
  ["line feed before", ["header-start"]],
  ["line feed behind", ["header-padding"]],
  ["tab behind", ["header-padding"]],
  ["carriage return behind", ["header-padding"]],
  ["nested 15 deep", ["json-nesting"]],
  ["nested 125 deep", ["json-nesting"]],
  ["shape 2^53 + 1 beside 0", ["shape-range"]],
  ["shape 2^64 - 1 after 0", ["shape-range"]],
  ["name twice, same range", ["name-duplicate", "data-overlap"]],
  ["name twice after unescaping", ["name-duplicate", "data-overlap"]],
  ["metadata key twice", ["metadata-key-duplicate"]],
  ["entry array", ["entry-type"]],
  ["unknown field twice", ["field-duplicate"]],
  ["dtype map", ["dtype-type"]],
  ["rank 65", ["shape-rank"]],
])

/**
 * No tensors and an empty map of metadata: the reference announces a JSON map of 0 entries and then writes one, which
 * comes out as `{},"__metadata__":{}}`. Its own reader refuses that file; we write `{"__metadata__":{}}`.
 */
const BROKEN = "nothing, empty metadata"
const HEADERS = REFERENCE_HEADERS.filter((row) => row.name !== BROKEN)

describe("writing", () => {
  it.each(HEADERS)("$name", ({ tensors, metadata, header }) => {
    const written = writeHeader(tensors, metadata ?? undefined)
    expect(Buffer.from(written.bytes).toString()).toBe(Buffer.from(header, "base64").toString())
    expect(Buffer.from(written.bytes).toString("base64")).toBe(header)
  })

  it.each(HEADERS)("$name, given backwards", ({ tensors, metadata, header }) => {
    const written = writeHeader([...tensors].reverse(), metadata ?? undefined)
    expect(Buffer.from(written.bytes).toString("base64")).toBe(header)
  })

  it("differs from the reference where that writes what is not JSON", () => {
    const row = REFERENCE_HEADERS.find(({ name }) => name === BROKEN)
    expect(Buffer.from(row?.header ?? "", "base64").toString("utf8", 8)).toBe('{},"__metadata__":{}}   ')
    const { bytes } = writeHeader([], {})
    expect(Buffer.from(bytes).toString("utf8", 8)).toBe('{"__metadata__":{}}     ')
    expect(parseSafetensorsHeader(bytes).metadata).toEqual(new Map())
  })
})

describe("reading what the reference writes", () => {
  it.each(HEADERS)("$name", ({ tensors, metadata, header }) => {
    const dataByteLength = tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0)
    const bytes = fromBase64(header)
    const parsed = parseSafetensorsHeader(bytes, { fileByteLength: bytes.length + dataByteLength })
    expect(parsed.metadata).toEqual(metadata === null ? undefined : new Map(Object.entries(metadata)))
    expect(parsed.tensors.size).toBe(tensors.length)
    expect(parsed.dataOffset).toBe(bytes.length)
    for (const { name, dtype, shape, byteLength } of tensors) {
      const { start = 0, end = 0, ...read } = parsed.tensors.get(name) ?? {}
      expect({ ...read, byteLength: end - start }).toEqual({ dtype, shape, byteLength })
    }
  })
})

describe("the reference reader's verdict", () => {
  it.each(REFERENCE_FILES)("$name: $error", async ({ name, file, error }) => {
    const check = await checkSafetensors(memorySource(fromBase64(file)))
    const errors = check.findings.filter((finding) => finding.severity === "error")
    const stricter = STRICTER.get(name)
    if (stricter === undefined) {
      expect(errors.length === 0).toBe(error === null)
    } else {
      expect(error).toBeNull()
      expect(errors.map((finding) => finding.rule)).toEqual(stricter)
      expect(errors.some((finding) => HEADER_RULES.get(finding.rule)?.stricter)).toBe(true)
    }
    expect(check.valid).toBe(errors.length === 0)
    expect(check.header !== undefined).toBe(check.valid)
  })

  it("has a file for every exception", () => {
    const names = new Set(REFERENCE_FILES.map((file) => file.name))
    expect([...STRICTER.keys()].filter((name) => !names.has(name))).toEqual([])
  })

  it("lets nothing pass but by a rule that is called stricter", async () => {
    for (const { file, error } of REFERENCE_FILES) {
      const { findings } = await checkSafetensors(memorySource(fromBase64(file)))
      const rules = findings.filter((finding) => finding.severity === "error").map((finding) => finding.rule)
      if (error === null && rules.length > 0) {
        expect(rules.some((rule) => HEADER_RULES.get(rule)?.stricter)).toBe(true)
      }
    }
  })
})
