/** A few thousand mutants, and that the soak itself can be trusted: its reader, its repeatability, its judgement. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { depth, sampled } from "../depth.ts"
import { checkMutant, LIBRARY, type Subject } from "./invariant.ts"
import { type Mutant, makeMutant } from "./mutate.ts"
import { PICKLE_MUTATORS } from "./pickle-mutators.ts"
import { packZip } from "./rebuild-zip.ts"
import { loadSeeds } from "./seeds.ts"
import { slowHeader } from "./slow-header.ts"
import { slowConvert } from "./slow-reader.ts"
import { count, newTally } from "./tally.ts"
import { membersOf } from "./zip-mutators.ts"

const FIXTURES = fileURLToPath(new URL("../fixtures", import.meta.url))
const SEEDS = loadSeeds(FIXTURES)
const MUTANTS = depth({ quick: 400, deep: 2500 })

/** What torch and safetensors made of each checkpoint. */
function expectedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const folder of ["oracle", "torch-1.13"]) {
    const rows = JSON.parse(readFileSync(join(FIXTURES, folder, "manifest.json"), "utf8")) as {
      input: string
      expected?: string
      options?: unknown
    }[]
    for (const { input, expected, options } of rows) {
      if (expected !== undefined && options === undefined)
        files.set(`${folder}/${input}`, `${folder}/${expected}`)
    }
  }
  return files
}

describe("the slow reader", () => {
  const expected = expectedFiles()

  it("makes of every checkpoint what torch and safetensors make of it", () => {
    for (const { name, bytes } of sampled([...SEEDS.zip, ...SEEDS.legacy], 80)) {
      const file = readFileSync(join(FIXTURES, expected.get(name) ?? "missing"))
      expect(Buffer.compare(slowConvert(bytes), file), name).toBe(0)
    }
  })

  it("reads every header that safetensors wrote", () => {
    for (const { name, bytes } of SEEDS.safetensors) expect(slowHeader(bytes).is, name).toBe("valid")
  })

  it("says what is wrong with headers, and where the reference is laxer", () => {
    const [seed] = SEEDS.safetensors
    const bytes = Buffer.from(seed?.bytes ?? [])
    expect(slowHeader(bytes.subarray(0, -1)).is).toBe("invalid")
    const end = 8 + Number(bytes.readBigUInt64LE(0))
    expect(
      slowHeader(Buffer.concat([bytes.subarray(0, end), Buffer.from(" "), bytes.subarray(end)])).is,
    ).toBe("invalid")
    const padded = Buffer.from(bytes)
    const brace = bytes.lastIndexOf("}", end)
    if (brace + 1 < end) {
      padded[brace + 1] = 10
      expect(slowHeader(padded).is).toBe("strict")
    }
  })
})

describe("a mutant", () => {
  it("is the same whenever its seed and index are", () => {
    const reloaded = loadSeeds(FIXTURES)
    for (let index = 0; index < 50; index++) {
      const [once, again] = [makeMutant(SEEDS, 7, index), makeMutant(reloaded, 7, index)]
      expect(Buffer.compare(once.bytes, again.bytes)).toBe(0)
      expect([again.origin.name, again.chain]).toEqual([once.origin.name, once.chain])
    }
    expect(makeMutant(SEEDS, 7, 1).bytes).not.toEqual(makeMutant(SEEDS, 8, 1).bytes)
  })

  it("that is packed anew is as legal as before", async () => {
    for (const origin of sampled(SEEDS.zip, 40)) {
      const torch = origin.name.length % 2 === 0
      const style = { torch, checksums: true, deflated: () => !torch }
      const bytes = packZip(membersOf(origin.bytes), style)
      const mutant: Mutant = { seed: 0, index: 1, kind: "zip", origin, chain: [], bytes, options: {} }
      expect(await checkMutant(mutant), origin.name).toMatchObject({ is: "accepted", identical: true })
    }
  })
})

describe("the invariant", () => {
  const origin = SEEDS.zip.find(({ name }) => name.endsWith("dtypes-zip-f32.pt"))
  if (origin === undefined) throw new Error("no seed")
  const legal: Mutant = {
    seed: 0,
    index: 16,
    kind: "zip",
    origin,
    chain: [],
    bytes: origin.bytes,
    options: {},
  }
  const judge = (convert: Subject["convert"], mutant = legal): Promise<{ is: string; why?: string }> =>
    checkMutant(mutant, { convert })

  it("holds for a legal file", async () => {
    expect(await checkMutant(legal)).toMatchObject({ is: "accepted", identical: true })
  })

  it.each<[string, Subject["convert"], RegExp]>([
    ["throws something else", () => Promise.reject(new TypeError("x")), /^threw TypeError/],
    [
      "overflows the stack",
      () => Promise.reject(new RangeError("Maximum call stack size exceeded")),
      /^threw Range/,
    ],
    ["throws no error", () => Promise.reject(undefined), /^threw undefined/],
    [
      "changes a weight",
      async (bytes, options) => {
        const output = Uint8Array.from(await LIBRARY.convert(bytes, options))
        output[output.length - 1] = (output[output.length - 1] ?? 0) ^ 1
        return output
      },
      /differs from the slow reader/,
    ],
    [
      "writes into its input",
      async (bytes, options) => {
        const output = await LIBRARY.convert(Uint8Array.from(bytes), options)
        bytes[0] = 0
        return output
      },
      /input was changed/,
    ],
  ])("finds a converter that %s", async (_, convert, why) => {
    const verdict = await judge(convert, { ...legal, bytes: Uint8Array.from(origin.bytes) })
    expect(verdict.is).toBe("failed")
    expect(verdict.why).toMatch(why)
  })

  it("finds a converter that accepts what no reader can read", async () => {
    const bytes = Uint8Array.from(origin.bytes)
    const at = Buffer.from(bytes).indexOf("data.pkl") + 64
    bytes.fill(0, at, at + 40)
    expect(await judge(async () => new Uint8Array(8), { ...legal, bytes })).toMatchObject({ is: "failed" })
  })

  it(`holds for ${MUTANTS} mutants, of every kind and by every mutator`, async () => {
    const tally = newTally()
    for (let index = 0; index < MUTANTS; index++) {
      const mutant = makeMutant(SEEDS, 1, index)
      count(tally, mutant, await checkMutant(mutant))
    }
    expect(tally.failures).toEqual([])
    expect(tally.mutants).toBe(MUTANTS)
    expect(tally.identical).toBeGreaterThan(MUTANTS / 20)
    expect(tally.different).toBeGreaterThan(MUTANTS / 50)
    expect(Object.keys(tally.refused).length).toBeGreaterThan(depth({ quick: 25, deep: 45 }))
    for (const kind of ["zip", "legacy", "safetensors"])
      expect(tally.kinds[kind]?.accepted).toBeGreaterThan(MUTANTS / 125)
    for (const [, [name]] of PICKLE_MUTATORS)
      expect(tally.mutators[`pickle:${name}`]?.mutants, name).toBeGreaterThan(depth({ quick: 0, deep: 5 }))
  })
})
