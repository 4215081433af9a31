/** The whole corpus, made a moment ago by the real torch and safetensors (scripts/oracle.sh). */

import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { parseSafetensorsHeader, toSafetensorsBytes } from "../../src/node/index.ts"
import { readManifest } from "../corpus.ts"
import { checkCorpus } from "../corpus-checks.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const cases = join(root, ".oracle/cases")

checkCorpus("torch and safetensors as installed", cases)

it("has at least 150 cases", () => {
  expect(readManifest(cases).length).toBeGreaterThanOrEqual(150)
})

interface RealRow {
  readonly file: string
  /** Keys to the state dict, which the rule must find; "all" where there is none. */
  readonly root: readonly string[] | "all"
}

describe("real checkpoints, as torch and safetensors convert them", () => {
  const real = join(root, "../shared/real")
  const expected = join(root, ".oracle/real")
  const rows: readonly RealRow[] = existsSync(real)
    ? JSON.parse(readFileSync(join(expected, "real.json"), "utf8"))
    : []
  if (rows.length === 0) {
    it("has no folder ../shared/real to read: nothing to compare", () => {
      expect(process.env["CI"] === "true" && existsSync(join(root, "../shared"))).toBe(false)
    })
  }
  it.each(rows)("$file", async ({ file, root: wanted }) => {
    const options = wanted === "all" ? { root: "all" as const } : {}
    const { bytes, report } = await toSafetensorsBytes(join(real, file), options)
    expect(report.root).toEqual(wanted === "all" ? [] : wanted)
    const reference = new Uint8Array(readFileSync(join(expected, `${file}.safetensors`)))
    // The reference writes metadata of more than one key in an order that changes from run to run.
    expect(parseSafetensorsHeader(bytes)).toEqual(parseSafetensorsHeader(reference))
    expect(Buffer.compare(dataOf(bytes), dataOf(reference))).toBe(0)
    if (report.aliases.length === 0) expect(Buffer.compare(bytes, reference)).toBe(0)
  })
})

/** What stands behind the header. */
function dataOf(file: Uint8Array): Uint8Array {
  const headerBytes = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)
  return file.subarray(8 + Number(headerBytes))
}
