import { crc32 as zlibCrc32 } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { isCheckpointError } from "../../src/index.ts"
import { ChecksumLedger } from "../../src/transfer/checksum-ledger.ts"
import { depth } from "../depth.ts"
import { noise } from "../property/model.ts"

function extentOf(bytes: Uint8Array, name: string, expected = zlibCrc32(bytes)): ByteExtent {
  const { byteLength } = bytes
  const source = memorySource(bytes)
  return { source, offset: 0, storedLength: byteLength, byteLength, coding: "stored", crc32: expected, name }
}

/** Cuts `[0, length)` at these places. */
function parts(length: number, cuts: readonly number[]): readonly (readonly [number, number])[] {
  const bounds = [...new Set([0, length, ...cuts.map((cut) => cut % (length + 1))])].sort((a, b) => a - b)
  return bounds.slice(1).map((end, i) => [bounds[i] ?? 0, end] as const)
}

const pieces = fc.array(
  fc.record({ length: fc.integer({ min: 1, max: 300 }), cuts: fc.array(fc.nat(), { maxLength: 6 }) }),
  {
    minLength: 1,
    maxLength: 4,
  },
)

describe("a ledger", () => {
  it("settles each extent with its last part, in whatever order the parts of all extents come", () => {
    fc.assert(
      fc.property(pieces, fc.infiniteStream(fc.nat()), fc.boolean(), (seeds, order, elsewhere) => {
        const extents = seeds.map(({ length }, i) => extentOf(noise(length, i), `extent ${i}`))
        const ledger = new ChecksumLedger(extents, crc32)
        const passes = seeds
          .flatMap(({ length, cuts }, i) => parts(length, cuts).map(([start, end]) => ({ i, start, end })))
          .map((pass) => ({ ...pass, at: order.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
        const missing = seeds.map(({ length }) => length)
        for (const { i, start, end } of passes) {
          const extent = extents[i]
          if (extent === undefined) continue
          const bytes = noise(extent.byteLength, i).subarray(start, end)
          if (elsewhere) ledger.passChecksum(extent, start, bytes.length, zlibCrc32(bytes))
          else ledger.pass(extent, start, bytes)
          missing[i] = (missing[i] ?? 0) - bytes.length
          expect(ledger.unchecked()).toEqual(extents.filter((_, n) => (missing[n] ?? 0) > 0))
        }
      }),
      { seed: 1, numRuns: depth({ quick: 100, deep: 500 }) },
    )
  })

  it("throws with the last part of an extent whose bytes are others", () => {
    const bytes = noise(100, 1)
    const extent = extentOf(bytes, "archive/data/3", 5)
    const ledger = new ChecksumLedger([extent], crc32)
    ledger.pass(extent, 60, bytes.subarray(60))
    ledger.pass(extent, 0, bytes.subarray(0, 10))
    const error = thrown(() => ledger.pass(extent, 10, bytes.subarray(10, 60)))
    expect(isCheckpointError(error) && error.toJSON()).toMatchObject({
      code: "checksum",
      detail: { within: "archive/data/3", expected: 5, actual: zlibCrc32(bytes) },
    })
  })

  it("takes a whole extent at once even when parts of it have passed", () => {
    const bytes = noise(64, 2)
    const extent = extentOf(bytes, "whole")
    const ledger = new ChecksumLedger([extent], crc32)
    ledger.pass(extent, 0, bytes.subarray(0, 32))
    ledger.pass(extent, 0, bytes)
    expect(ledger.unchecked()).toEqual([])
    ledger.pass(extent, 32, new Uint8Array(32))
    expect(ledger.unchecked()).toEqual([])
  })

  it("assigns an extent to the first who asks, and to nobody once it has passed or when it was not given", () => {
    const bytes = noise(8, 4)
    const extent = extentOf(bytes, "known")
    const ledger = new ChecksumLedger([extent], crc32)
    const [first, second] = [{}, {}]
    expect(ledger.isAssigned(extent, first)).toBe(false)
    ledger.assign(extent, first)
    ledger.assign(extent, second)
    expect([ledger.isAssigned(extent, first), ledger.isAssigned(extent, second)]).toEqual([true, false])
    expect(ledger.unchecked()).toEqual([extent])
    ledger.pass(extent, 0, bytes)
    ledger.assign(extent, second)
    expect([ledger.isAssigned(extent, first), ledger.isAssigned(extent, second)]).toEqual([false, false])
    const stranger = extentOf(bytes, "stranger")
    ledger.assign(stranger, first)
    expect(ledger.isAssigned(stranger, first)).toBe(false)
  })

  it("does not mind extents it was not given, nor parts without bytes", () => {
    const bytes = noise(8, 3)
    const extent = extentOf(bytes, "known")
    const ledger = new ChecksumLedger([extent], crc32)
    ledger.pass(extentOf(bytes, "stranger", 1), 0, bytes)
    ledger.pass(extent, 0, new Uint8Array(0))
    ledger.passChecksum(extent, 0, 0, 77)
    expect(ledger.unchecked()).toEqual([extent])
  })
})

function thrown(action: () => void): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
