/** Inputs that fuzzing has found, each with what must come of it. `npm run fuzz` says how they are found. */

import { describe, expect, it } from "vitest"
import type { FuzzTarget } from "../../fuzz/target.ts"
import { target as header } from "../../fuzz/targets/header.ts"
import { target as inflate } from "../../fuzz/targets/inflate.ts"
import { target as legacy } from "../../fuzz/targets/legacy.ts"
import { target as pickle } from "../../fuzz/targets/pickle.ts"
import { target as zip } from "../../fuzz/targets/zip.ts"
import { openCheckpoint } from "../../src/index.ts"
import { hex } from "../pickle/assemble.ts"
import { keyList, legacyFile } from "../torch/legacy-file.ts"

const TARGETS: Readonly<Record<string, FuzzTarget>> = { header, inflate, legacy, pickle, zip }

/** `{(…,): None}` whose key holds the dictionary itself. */
const KEY_CYCLE = "80027d71006800854e732e"

const FINDINGS: readonly (readonly [target: string, what: string, bytes: string, outcome: string])[] = [
  ["inflate", "a distance before the beginning gave zeros", "030300", "broken"],
  ["inflate", "a stored block whose length is not confirmed", "010100000041", "broken"],
  ["inflate", "a code that is incomplete", "05e0010500000080006cebffa908", "broken"],
  ["pickle", "a dictionary that is part of its own key exhausted the stack", KEY_CYCLE, "pickle-type"],
]

describe("what fuzzing found", () => {
  it.each(FINDINGS)("%s: %s", async (name, _, bytes, outcome) => {
    expect(await TARGETS[name]?.run(hex(bytes))).toBe(outcome)
  })
})

describe("the values of a checkpoint", () => {
  const keyed = (depth: number): Uint8Array => {
    const tuples = new Array<string>(depth).fill("85").join("")
    return hex(`80027d4e${tuples}4e732e`)
  }
  const open = (object: Uint8Array) => openCheckpoint(legacyFile({ object, keys: keyList(), storages: [] }))

  it("are refused where a key nests too deeply, and given where it does not", async () => {
    const checkpoint = await open(keyed(100_000))
    const detail = { limit: "maxNesting", allowed: 200, wanted: 201 }
    expect(() => checkpoint.values).toThrow(expect.objectContaining({ code: "limit-exceeded", detail }))
    expect((await open(keyed(199))).values).toBeInstanceOf(Map)
  })
})
