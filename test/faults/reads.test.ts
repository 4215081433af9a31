/** Every read of a conversion goes wrong, in every way: a typed error each time, and never an output. */

import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { DEEP, depth, places } from "../depth.ts"
import { largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { mixedTensors } from "../transfer/plans.ts"
import { type FillFault, faultySource, type ReadFault } from "./faulty-source.ts"
import { codeOf, endingOf, VERBS } from "./verbs.ts"

const newFolder = temporaryFolders()

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ["stored", writeCheckpoint(mixedTensors())],
  ["deflated", writeCheckpoint(mixedTensors(), { deflated: (name) => name.includes("data") })],
  ["legacy, of several chunks", largeCheckpoint(3)],
]

const reject = (reason: unknown) => (): Promise<never> => Promise.reject(reason)
const throwing = (): never => {
  throw new Error("at once")
}

const READ_FAULTS: readonly (readonly [name: string, code: string, ReadFault])[] = [
  ["rejects", "read-failed", reject(new Error("EIO"))],
  ["rejects with no error", "read-failed", reject(undefined)],
  ["throws at once", "read-failed", throwing],
  ["is short", "truncated", async (bytes) => bytes.subarray(1)],
  ["is empty", "truncated", async (bytes) => bytes.subarray(0, 0)],
  ["is too long", "read-failed", async (bytes) => new Uint8Array(bytes.length + 1)],
  ["is nothing", "read-failed", async () => undefined],
  ["is null", "read-failed", () => null],
  ["is an ArrayBuffer", "read-failed", async (bytes) => bytes.buffer],
  ["is a DataView", "read-failed", async (bytes) => new DataView(bytes.buffer)],
  ["is signed", "read-failed", async (bytes) => new Int8Array(bytes.buffer)],
  ["is wider", "read-failed", async (bytes) => new Uint16Array(bytes.length)],
  ["is a list", "read-failed", async (bytes) => Array.from(bytes.subarray(0, 100))],
  ["is text", "read-failed", async (bytes) => "x".repeat(Math.min(bytes.length, 100))],
  ["looks like bytes", "read-failed", async ({ byteLength }) => ({ byteLength, length: byteLength })],
]

const FILL_FAULTS: readonly (readonly [name: string, code: string, FillFault])[] = [
  ["rejects", "read-failed", reject(new Error("EIO"))],
  ["throws at once", "read-failed", throwing],
  ["counts nothing", "truncated", async () => 0],
  ["counts too much", "read-failed", async (count) => count + 1],
  ["is NaN", "read-failed", async () => Number.NaN],
  ["is infinite", "read-failed", async () => Number.POSITIVE_INFINITY],
  ["is negative", "read-failed", async () => -1],
  ["is a fraction", "read-failed", async () => 0.5],
  ["is nothing", "read-failed", () => undefined],
  ["is text", "read-failed", async (count) => String(count)],
  ["is true", "read-failed", async () => true],
]

/**
 * In a deep run all of `faults` for the verb that costs least, and elsewhere three for each read, others each time. In a
 * quick one a few for each read, and all for the first one.
 */
function chosen<Fault>(faults: readonly Fault[], at: number, verb: string): readonly Fault[] {
  const isCheap = verb === "toSafetensorsBytes"
  if (isCheap && (DEEP || at === 0)) return faults
  const step = Math.ceil(faults.length / depth({ quick: isCheap ? 3 : 1, deep: 3 }))
  return faults.filter((_, index) => index % step === at % step)
}

describe.each(FILES)("reads of a checkpoint, %s:", (_, file) => {
  it.each(Array.from(VERBS))("each one that goes wrong ends %s", async (verbName, verb) => {
    const folder = newFolder()
    const output = join(folder, "out")
    const harmless = { at: -1, read: throwing }
    const counting = faultySource(file, harmless)
    const expected = await verb({ input: counting, output: join(newFolder(), "out") })
    for (let at = 0; at < counting.reads; at++) {
      for (const [name, code, read] of chosen(READ_FAULTS, at, verbName)) {
        const ending = await endingOf(verb({ input: faultySource(file, { at, read }), output }))
        expect(codeOf(ending), `read ${at} ${name}`).toBe(code)
      }
    }
    const filling = faultySource(file, { ...harmless, fill: throwing })
    const filled = await verb({ input: filling, output: join(newFolder(), "out") })
    expect(Buffer.compare(filled, expected)).toBe(0)
    for (let at = 0; at < filling.reads; at++) {
      for (const [name, code, fill] of chosen(FILL_FAULTS, at, verbName)) {
        const read: ReadFault = reject(new Error("EIO"))
        const ending = await endingOf(verb({ input: faultySource(file, { at, read, fill }), output }))
        // A short fill goes on where it stopped; only the plain read has a code of its own then.
        expect([code, "read-failed"], `fill ${at} ${name}`).toContain(codeOf(ending))
      }
    }
    expect(readdirSync(folder)).toEqual([])
  })

  it.each(Array.from(VERBS))("each one that never ends is left with the signal: %s", async (_name, verb) => {
    const output = join(newFolder(), "out")
    const counting = faultySource(file, { at: -1, read: throwing })
    await verb({ input: counting, output: join(newFolder(), "out") })
    for (const hasFill of [false, true]) {
      for (const at of places(counting.reads, 5)) {
        const controller = new AbortController()
        const never = (): Promise<never> => {
          setImmediate(() => controller.abort("enough"))
          return new Promise(() => {})
        }
        const source = faultySource(file, { at, read: never, ...(hasFill ? { fill: never } : {}) })
        const ending = await endingOf(verb({ input: source, output, signal: controller.signal }))
        if (source.reads > at) expect(ending, `read ${at}`).toEqual({ error: "enough" })
      }
    }
    expect(existsSync(output)).toBe(false)
  })
})

describe("a source", () => {
  it("that cannot tell whether it has changed ends the conversion, also when it never answers", async () => {
    const [, file] = FILES[0] ?? expect.unreachable()
    for (const [name, verb] of VERBS) {
      const output = join(newFolder(), "out")
      const failing = { ...faultySource(file, { at: -1, read: throwing }), assertUnchanged: throwing }
      expect(codeOf(await endingOf(verb({ input: failing, output }))), name).toBe("read-failed")
      const silent = { ...failing, assertUnchanged: () => new Promise<void>(() => {}) }
      const signal = AbortSignal.timeout(20)
      const ending = await endingOf(verb({ input: silent, output, signal }))
      expect(ending, name).toEqual({ error: signal.reason })
      expect(existsSync(output)).toBe(false)
    }
  })
})
