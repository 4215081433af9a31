import { describe, expect, it } from "vitest"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import type { GatherSegment } from "../../src/plan/plan.ts"
import { ChecksumLedger } from "../../src/transfer/checksum-ledger.ts"
import { GatherWindow } from "../../src/transfer/chunk-reads.ts"
import { noise } from "../property/model.ts"

const STEP = 20_000
const COLUMNS = 200
const BYTES = noise(STEP * COLUMNS, 1)

function extentOf(coding: ByteExtent["coding"]): ByteExtent {
  return {
    source: memorySource(BYTES),
    offset: 0,
    storedLength: BYTES.length,
    byteLength: BYTES.length,
    coding,
    crc32: undefined,
    name: "storage",
  }
}

const EXTENT = extentOf("stored")

const SEGMENT: GatherSegment = (() => {
  const view = { itemBytes: 1, elementOffset: 0, shape: [16, COLUMNS], strides: [1, STEP] }
  const transform = {
    partBytes: 1,
    swapBytes: false,
    negate: "none",
    negation: "sign-bit",
    normalizeBools: false,
  } as const
  return { kind: "gather", start: 0, length: 16 * COLUMNS, extent: 0, view, transform }
})()

const ledger = new ChecksumLedger([], crc32)

describe("a window", () => {
  it("is read in several runs at a time, and kept while it is asked for", async () => {
    let underWay = 0
    let most = 0
    let reads = 0
    const window = new GatherWindow(
      async (_, offset, target) => {
        reads += 1
        underWay += 1
        most = Math.max(most, underWay)
        await new Promise((resolve) => setImmediate(resolve))
        target.set(BYTES.subarray(offset, offset + target.length))
        underWay -= 1
      },
      ledger,
      16 * COLUMNS,
    )
    for (let element = 0; element < 16 * COLUMNS; element += 100) {
      const { block, window: bytes } = await window.load(SEGMENT, EXTENT, element)
      expect(block.elementCount).toBe(16 * COLUMNS)
      const [row, column] = [Math.floor(element / COLUMNS), element % COLUMNS]
      const at = row * (block.strides[0] ?? 0) + column * (block.strides[1] ?? 0)
      expect(bytes[at]).toBe(BYTES[row + column * STEP])
    }
    expect(reads).toBe(COLUMNS)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThan(20)
  })

  it("of a deflated extent is read one run after the other", async () => {
    let underWay = 0
    const window = new GatherWindow(
      async () => {
        expect(underWay).toBe(0)
        underWay += 1
        await new Promise((resolve) => setImmediate(resolve))
        underWay -= 1
      },
      ledger,
      16 * COLUMNS,
    )
    await window.load(SEGMENT, extentOf("deflate"), 0)
  })

  it("that cannot be read stops all reads with the first failure, and waits for those under way", async () => {
    const failure = new Error("no")
    let reads = 0
    let underWay = 0
    const window = new GatherWindow(
      async () => {
        const first = reads++ === 0
        underWay += 1
        for (let turn = 0; turn < (first ? 1 : 5); turn++)
          await new Promise((resolve) => setImmediate(resolve))
        underWay -= 1
        if (first) throw failure
      },
      ledger,
      16 * COLUMNS,
    )
    await expect(window.load(SEGMENT, EXTENT, 0)).rejects.toBe(failure)
    expect(underWay).toBe(0)
    expect(reads).toBeLessThan(20)
  })
})

describe("runs that lie close together", () => {
  it("are read at once, and only they are kept", async () => {
    const view = { itemBytes: 1, elementOffset: 3, shape: [16, COLUMNS], strides: [1, 5000] }
    const segment: GatherSegment = { ...SEGMENT, view }
    let reads = 0
    const window = new GatherWindow(
      async (_, offset, target) => {
        reads += 1
        target.set(BYTES.subarray(offset, offset + target.length))
      },
      ledger,
      16 * COLUMNS,
    )
    const { block, window: bytes } = await window.load(segment, EXTENT, 0)
    expect(block.elementCount).toBe(16 * COLUMNS)
    for (let row = 0; row < 16; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        const at = row * (block.strides[0] ?? 0) + column * (block.strides[1] ?? 0)
        expect(bytes[at]).toBe(BYTES[3 + row + column * 5000])
      }
    }
    expect(reads).toBeLessThan(4)
  })
})
