/** The whole corpus, made a moment ago by the real torch and safetensors (scripts/oracle.sh). */

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { toSafetensorsBytes } from "../../src/node/index.ts"
import { readManifest } from "../corpus.ts"
import { checkCorpus } from "../corpus-checks.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const cases = join(root, ".oracle/cases")

checkCorpus("torch and safetensors as installed", cases)

it("has at least 150 cases", () => {
  expect(readManifest(cases).length).toBeGreaterThanOrEqual(150)
})

describe("real checkpoints, as torch and safetensors convert them", () => {
  const real = join(root, "../shared/real")
  const expected = join(root, ".oracle/real")
  const names = existsSync(real) ? readdirSync(real).filter((name) => name.endsWith(".pth")) : []
  if (names.length === 0) {
    it("has no folder ../shared/real to read: nothing to compare", () => {
      expect(process.env["CI"] === "true" && existsSync(join(root, "../shared"))).toBe(false)
    })
  }
  for (const name of names) {
    it(name, async () => {
      const { bytes } = await toSafetensorsBytes(join(real, name))
      const reference = readFileSync(join(expected, name.replace(/\.pth$/, ".safetensors")))
      expect(Buffer.compare(bytes, reference)).toBe(0)
    })
  }
})
