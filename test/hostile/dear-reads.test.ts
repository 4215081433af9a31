/**
 * The corpus where reads are dear, as over a network: local headers are looked at late. What is refused otherwise is refused
 * then, but for faults in what nobody reads; a scan refuses these too.
 */

import { expect, it } from "vitest"
import type { ByteSource } from "../../src/index.ts"
import { isCheckpointError, scan, toSafetensorsBytes } from "../../src/index.ts"
import { DEEP, sampled } from "../depth.ts"
import { HOSTILE, LEGAL } from "./corpus.ts"

/** What is put off is about archives: of any other section one case is enough, unless the run is a deep one. */
const FIRSTS = new Map([...HOSTILE].reverse().map((given) => [given.section, given]))
const CASES = HOSTILE.filter(
  (given) => DEEP || given.section.startsWith("zip") || FIRSTS.get(given.section) === given,
)

function dear(input: Uint8Array): ByteSource {
  const read = async (offset: number, length: number): Promise<Uint8Array> =>
    input.subarray(offset, offset + length)
  return { byteLength: input.byteLength, readCost: "high", read }
}

it("hostile files are refused, or their fault is where nobody reads", async () => {
  const passed: string[] = []
  const others: string[] = []
  for (const { name, bytes, options = {}, expect: expected } of CASES) {
    const input = bytes()
    // The others are about sources that answer wrongly, whatever a read costs.
    if (!(input instanceof Uint8Array)) continue
    const error = await toSafetensorsBytes(dear(input), options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined) {
      passed.push(name)
      if ((await scan(dear(input), options)).verdict !== "refused") others.push(`clean ${name}`)
    } else if (!isCheckpointError(error)) expect.unreachable(`${name}: ${error}`)
    // Of two faults the other one comes up first.
    else if (error.code !== expected.code) others.push(`${name}: ${error.code} for ${expected.code}`)
  }
  expect(passed).toEqual([])
  expect(others).toEqual(["zip-descriptor: of an empty member, wrong: storage-size for zip-mismatch"])
})

it("odd files convert to the same", async () => {
  for (const { name, bytes, options = {} } of sampled(LEGAL, 70)) {
    const input = bytes()
    if (!(input instanceof Uint8Array)) continue
    const [usual, late] = [
      await toSafetensorsBytes(input, options),
      await toSafetensorsBytes(dear(input), options),
    ]
    expect(Buffer.compare(usual.bytes, late.bytes), name).toBe(0)
  }
})
