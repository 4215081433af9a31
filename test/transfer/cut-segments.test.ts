import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import type { Segment } from "../../src/plan/plan.ts"
import { gatherBlockAt } from "../../src/strided/blocks.ts"
import { type Chunk, cutChunks, isLargeGather, type Piece } from "../../src/transfer/cut-segments.ts"
import type { TransferPlan } from "../../src/transfer/transfer-plan.ts"
import { depth } from "../depth.ts"

const source = memorySource(new Uint8Array(0))
const extent = (coding: ByteExtent["coding"]): ByteExtent => ({
  source,
  offset: 0,
  storedLength: 1 << 20,
  byteLength: 1 << 20,
  coding,
  crc32: undefined,
  name: coding,
})
/** By the places that segments have for them. */
const EXTENTS = [extent("stored"), extent("deflate")]
const [STORED, DEFLATED] = [0, 1]

const transform = {
  partBytes: 1,
  swapBytes: false,
  negate: "none",
  negation: "sign-bit",
  normalizeBools: false,
} as const

const seeds = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("header" as const), length: fc.integer({ min: 1, max: 90 }) }),
    fc.record({
      kind: fc.constant("copy" as const),
      length: fc.integer({ min: 1, max: 400 }),
      deflated: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("gather" as const),
      itemBytes: fc.constantFrom(1, 2, 4, 8, 16),
      shape: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      strides: fc.tuple(fc.nat(12), fc.nat(12)),
      deflated: fc.boolean(),
    }),
  ),
  { maxLength: 12 },
)

const sizes = fc
  .record({
    chunks: fc.integer({ min: 1, max: 20 }),
    small: fc.integer({ min: 0, max: 100 }),
    windowBytes: fc.integer({ min: 16, max: 300 }),
    directWindowBytes: fc.integer({ min: 16, max: 300 }),
    directBytes: fc.integer({ min: 1, max: 200 }),
  })
  .map(({ chunks, small, ...rest }) => ({
    chunkBytes: chunks * 16,
    chunksInFlight: 4,
    smallGatherBytes: Math.min(small, chunks * 16),
    ...rest,
  }))

type Seed = (typeof seeds extends fc.Arbitrary<infer Seeds> ? Seeds : never)[number]

function makeSegments(from: readonly Seed[]): readonly Segment[] {
  let start = 0
  return from.map((seed): Segment => {
    const at = start
    if (seed.kind === "header") {
      start += seed.length
      return { kind: "header", start: at, length: seed.length }
    }
    const from = seed.deflated ? DEFLATED : STORED
    if (seed.kind === "copy") {
      start += seed.length
      return { kind: "copy", start: at, length: seed.length, extent: from, offsetInExtent: 0 }
    }
    const { itemBytes, shape, strides } = seed
    const length = itemBytes * shape[0] * shape[1]
    start += length
    return {
      kind: "gather",
      start: at,
      length,
      extent: from,
      view: { itemBytes, elementOffset: 0, shape, strides },
      transform,
    }
  })
}

function drawing(segments: readonly Segment[]): Pick<TransferPlan, "segments" | "extents"> {
  return { segments, extents: EXTENTS }
}

function expectTiling(chunks: readonly Chunk[], segments: readonly Segment[]): void {
  const reached = new Map<Segment, number>()
  let at = 0
  for (const { start, length, pieces } of chunks) {
    expect(start).toBe(at)
    expect(length).toBeGreaterThan(0)
    let filled = 0
    for (const piece of pieces) {
      expect(piece.target).toBe(filled)
      expect(piece.offset).toBe(reached.get(piece.segment) ?? 0)
      expect(piece.segment.start + piece.offset).toBe(start + filled)
      reached.set(piece.segment, piece.offset + piece.length)
      filled += piece.length
    }
    expect(filled).toBe(length)
    at += length
  }
  for (const segment of segments) expect(reached.get(segment)).toBe(segment.length)
}

function expectInOneBlock(
  { segment, offset, length }: Pick<Piece, "segment" | "offset" | "length">,
  windowBytes: number,
): void {
  if (segment.kind !== "gather") expect.unreachable()
  const { view } = segment
  const first = offset / view.itemBytes
  const block = gatherBlockAt(view, first, windowBytes)
  expect(first + length / view.itemBytes).toBeLessThanOrEqual(block.firstElement + block.elementCount)
}

describe("chunks", () => {
  it("tile the output, and their pieces tile them", () => {
    fc.assert(
      fc.property(seeds, sizes, fc.boolean(), (from, given, direct) => {
        const segments = makeSegments(from)
        const chunks = [...cutChunks(drawing(segments), given, ({ coding }) => direct && coding === "stored")]
        expectTiling(chunks, segments)
        for (const chunk of chunks) {
          if (!chunk.direct) expect(chunk.length).toBeLessThanOrEqual(given.chunkBytes)
          if (!chunk.direct) continue
          expect([direct, chunk.serial]).toEqual([true, false])
          const [first] = chunk.pieces
          if (first?.segment.kind === "gather") {
            expectInOneBlock(first, given.directWindowBytes)
            expect([chunk.pieces.length, isLargeGather(first.segment, given)]).toEqual([1, true])
            expect(chunk.length).toBeLessThanOrEqual(given.directWindowBytes)
            continue
          }
          expect(chunk.pieces.every(({ segment }) => segment.kind === "copy")).toBe(true)
          // Cut where the output is a multiple, and nowhere else but where something else begins.
          const last = chunk.start + chunk.length - 1
          expect(Math.floor(chunk.start / given.directBytes)).toBe(Math.floor(last / given.directBytes))
        }
      }),
      { seed: 1, numRuns: depth({ quick: 200, deep: 2000 }) },
    )
  })

  it("split no element, no small gather, and a large one only within its blocks", () => {
    fc.assert(
      fc.property(seeds, sizes, (from, given) => {
        const segments = makeSegments(from)
        for (const { pieces, serial } of cutChunks(drawing(segments), given)) {
          for (const { segment, offset, length } of pieces) {
            if (segment.kind !== "gather") continue
            const { itemBytes } = segment.view
            if (!isLargeGather(segment, given)) {
              expect([offset, length]).toEqual([0, segment.length])
              continue
            }
            expect([pieces.length, serial]).toEqual([1, true])
            expect([offset % itemBytes, length % itemBytes]).toEqual([0, 0])
            expectInOneBlock({ segment, offset, length }, given.windowBytes)
          }
        }
      }),
      { seed: 2, numRuns: depth({ quick: 200, deep: 2000 }) },
    )
  })

  it("are serial when they inflate or hold a window, and only then", () => {
    fc.assert(
      fc.property(seeds, sizes, (from, given) => {
        for (const { pieces, serial } of cutChunks(drawing(makeSegments(from)), given)) {
          const needs = pieces.some(
            ({ segment }) =>
              segment.kind !== "header" &&
              (segment.extent === DEFLATED || (segment.kind === "gather" && isLargeGather(segment, given))),
          )
          expect(serial).toBe(needs)
        }
      }),
      { seed: 3, numRuns: depth({ quick: 100, deep: 1000 }) },
    )
  })

  it("that a sink takes over are lists that are not endless", () => {
    const given = {
      ...{ chunkBytes: 16, smallGatherBytes: 0, directBytes: 2 ** 20 },
      ...{ windowBytes: 16, directWindowBytes: 16, chunksInFlight: 4 },
    }
    const segments = Array.from({ length: 9000 }, (_, i): Segment => {
      return { kind: "copy", start: 4 * i, length: 4, extent: STORED, offsetInExtent: 4 * i }
    })
    const chunks = [...cutChunks(drawing(segments), given, () => true)]
    expectTiling(chunks, segments)
    expect(chunks.map(({ pieces }) => pieces.length)).toEqual([4096, 4096, 808])
  })

  it("are none for no segments", () => {
    const given = {
      chunkBytes: 16,
      chunksInFlight: 4,
      smallGatherBytes: 0,
      directBytes: 16,
      windowBytes: 16,
      directWindowBytes: 16,
    }
    expect([...cutChunks(drawing([]), given)]).toEqual([])
  })
})
