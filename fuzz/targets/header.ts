/**
 * The header of a safetensors file. The first byte says how the rest is taken: even, as a file; odd, as JSON that gets
 * the right length in front. What is accepted must be what `JSON.parse` reads and must hold to the rules of the format
 * as they are written again here; text that is no JSON must be refused; reading and checking must agree.
 */

import { memorySource } from "../../src/bytes/sources.ts"
import { parseSafetensorsHeader, type SafetensorsHeader } from "../../src/safetensors/parse-header.ts"
import { checkSafetensors, readSafetensorsHeader } from "../../src/safetensors/read-header.ts"
import { changeHeader } from "../formats/change-header.ts"
import { acceptedByRules, plainHeader } from "../formats/header-rules.ts"
import { type FuzzTarget, outcomeOf, outcomeOfSync, require } from "../target.ts"

export const target: FuzzTarget = {
  rooms: [
    "safetensors/parse-header",
    "safetensors/read-header",
    "safetensors/header-",
    "safetensors/json-",
    "safetensors/check-header",
  ],
  maxLength: 9000,
  mutate: changeHeader,
  run: async (bytes) => {
    const isFile = ((bytes[0] ?? 0) & 1) === 0
    const file = isFile ? bytes.subarray(1) : withLength(bytes.subarray(1))
    const parsed = outcomeOfSync(() =>
      parseSafetensorsHeader(file, isFile ? { fileByteLength: file.length } : {}),
    )
    // As if more of the file were to come.
    outcomeOfSync(() => parseSafetensorsHeader(file, { fileByteLength: file.length + 100 }))
    // Without the length of the file nothing is known of the data; with it, the header must say where that ends.
    const dataEnd =
      parsed.value === undefined
        ? 0
        : Math.max(0, ...Array.from(parsed.value.tensors.values(), ({ end }) => end))
    const length = isFile ? file.length : file.length + Math.min(dataEnd, 2 ** 40)
    const source = { byteLength: length, read: memorySource(file).read }
    const read = await outcomeOf(() => readSafetensorsHeader(source))
    const checked = await checkSafetensors(source)
    require(checked.valid ===
      (read.error === undefined), `check says ${checked.valid}, read ${read.error?.code}`)
    require(checked.valid === (checked.header !== undefined), "valid without a header")
    const errors = checked.findings.filter(({ severity }) => severity === "error")
    require((errors.length === 0) === checked.valid, `valid with ${errors.length} errors`)
    // Where data would begin may lie behind the end of the file; all else is told of the header.
    const inHeader = checked.findings.filter(({ rule }) => !rule.startsWith("data-"))
    for (const { at, rule } of inHeader)
      require(at === undefined || (at >= 0 && at <= file.length), `${rule} at byte ${at}`)
    compareWithRules(
      file,
      length,
      read.value,
      errors.map(({ rule }) => rule),
    )
    if (read.value !== undefined)
      require(parsed.value !== undefined, `read, and parse says ${parsed.error?.code}`)
    return read.error === undefined ? "accepted" : (errors[0]?.rule ?? read.error.code)
  },
}

function withLength(json: Uint8Array): Uint8Array {
  const file = new Uint8Array(8 + json.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  return file
}

function compareWithRules(
  file: Uint8Array,
  length: number,
  header: SafetensorsHeader | undefined,
  errors: readonly string[],
): void {
  const expected = acceptedByRules(file, length)
  if (header === undefined) {
    require(expected === undefined, `refused for ${errors.join(", ")}, and no rule is broken`)
    return
  }
  require(expected !== undefined, "accepted, and a rule is broken")
  require(plainHeader(header) ===
    expected, `read otherwise than by JSON.parse: ${plainHeader(header)} and ${expected}`)
}
