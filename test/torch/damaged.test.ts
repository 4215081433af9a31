/**
 * Whatever is done to the bytes of a checkpoint, reading it gives a value or a `CheckpointError`: no other exception,
 * no endless loop.
 */

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { atOnce } from "../../src/bytes/turns.ts"
import { isContainer } from "../../src/checkpoint/child-cursor.ts"
import { nameTensorsSteps, takeCensus } from "../../src/checkpoint/walk-tensors.ts"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { readCheckpoint } from "../../src/layouts/table.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { OPCODES } from "../../src/pickle/opcodes.ts"
import { depth, places } from "../depth.ts"
import { hex, join } from "../pickle/assemble.ts"
import realPickles from "../pickle/real-pickles.json"
import { legacyFile } from "./legacy-file.ts"
import { loadObject } from "./support.ts"

const PICKLES = realPickles.map((row) => ({ about: row.about, bytes: hex(row.hex) }))

/** "a value", or the code of the error; anything else that is thrown fails the test. */
function outcome(bytes: Uint8Array): string {
  try {
    const value = loadObject(bytes)
    if (isContainer(value)) atOnce(nameTensorsSteps(value, takeCensus(value, DEFAULT_LIMITS), DEFAULT_LIMITS))
    return "a value"
  } catch (error) {
    if (isCheckpointError(error)) return error.code
    throw error
  }
}

async function fileOutcome(bytes: Uint8Array): Promise<string> {
  const options = { limits: DEFAULT_LIMITS, crc32: () => 0, signal: undefined, byteOrder: undefined }
  try {
    await readCheckpoint(storeOfOne(memorySource(bytes)), options)
    return "a value"
  } catch (error) {
    if (isCheckpointError(error)) return error.code
    throw error
  }
}

const pickle = fc.constantFrom(...PICKLES.map(({ bytes }) => bytes))
const opcode = fc.constantFrom(...OPCODES.map(({ code }) => code))
const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), opcode)
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const run = (deep: number) => ({ seed: 20_240_607, numRuns: depth({ quick: deep / 10, deep }) })

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice()
  changed[Math.floor(at * bytes.length)] = value
  return changed
}

describe("pickles as torch writes them", () => {
  it.each(PICKLES)("$about", ({ about, bytes }) => {
    expect(outcome(bytes)).toBe(about.includes("refused") ? "global-not-allowed" : "a value")
  })
})

describe("damaged pickles", () => {
  it("with one byte changed", () => {
    fc.assert(
      fc.property(pickle, place, byte, (bytes, at, value) => {
        outcome(withByte(bytes, at, value))
      }),
      run(6000),
    )
  })

  it("with each byte of one of them changed to each opcode", () => {
    const [first] = PICKLES
    const bytes = first?.bytes ?? new Uint8Array(0)
    for (const at of places(bytes.length, 40)) {
      for (const { code } of OPCODES) outcome(withByte(bytes, at / bytes.length, code))
    }
  })

  it("cut off anywhere", () => {
    for (const { bytes } of PICKLES) {
      const step = 1 + (bytes.length >> 9)
      for (const at of places(Math.ceil(bytes.length / step), 100)) {
        const length = at * step
        expect(outcome(bytes.subarray(0, length))).toMatch(/^pickle-truncated$|^global-not-allowed$/)
      }
    }
  })

  it("with a part of one put into another", () => {
    fc.assert(
      fc.property(
        pickle,
        place,
        pickle,
        place,
        fc.nat(60),
        fc.nat(60),
        (into, at, from, start, length, lost) => {
          const to = Math.floor(at * into.length)
          const first = Math.floor(start * from.length)
          outcome(
            join([into.subarray(0, to), from.subarray(first, first + length), into.subarray(to + lost)]),
          )
        },
      ),
      run(4000),
    )
  })

  it("of random opcodes", () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 3, 4, 5), fc.array(byte, { maxLength: 60 }), (protocol, rest) => {
        outcome(Uint8Array.of(0x80, protocol, ...rest, 0x2e))
      }),
      run(4000),
    )
  })
})

describe("damaged legacy files", () => {
  const whole = legacyFile()

  it("are read when they are not damaged", async () => {
    expect(await fileOutcome(whole)).toBe("a value")
  })

  it("with one byte changed", async () => {
    await fc.assert(
      fc.asyncProperty(place, byte, async (at, value) => {
        await fileOutcome(withByte(whole, at, value))
      }),
      run(3000),
    )
  })

  it("cut off anywhere are refused", async () => {
    for (let length = 0; length < whole.length; length++) {
      expect(await fileOutcome(whole.subarray(0, length))).not.toBe("a value")
    }
  })

  it("with anything behind them are refused", async () => {
    for (const tail of [hex("00"), hex("50 4b 05 06"), whole]) {
      expect(await fileOutcome(join([whole, tail]))).toBe("legacy-trailing")
    }
  })
})
