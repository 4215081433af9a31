import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import type { TensorPieces } from "../../examples/web/src/worker/tensor-pieces.ts"
import { piecesOf } from "../../examples/web/src/worker/tensor-pieces.ts"
import type { Checkpoint } from "../../src/index.ts"
import { isCheckpointError, openCheckpoint } from "../../src/index.ts"
import { depth, sampled } from "../depth.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"

const FIXTURES = fileURLToPath(new URL("../fixtures/oracle/", import.meta.url))
const MiB = 2 ** 20

async function allOf({ count, read }: TensorPieces): Promise<Uint8Array> {
  const { signal } = new AbortController()
  const parts: Uint8Array[] = []
  for (let index = 0; index < count; index++) parts.push(await read(index, signal))
  return Buffer.concat(parts)
}

/** Elements in an order that does not depend on how they lie. */
function elementsOf(bytes: Uint8Array, itemBytes: number): readonly string[] {
  const hex = Buffer.from(bytes).toString("hex")
  return (hex.match(new RegExp(`.{${2 * itemBytes}}`, "g")) ?? []).sort()
}

describe("the pieces of a tensor", () => {
  it("hold the elements of every tensor that the real torch has written, and no others", async () => {
    let seen = 0
    const files = readdirSync(FIXTURES).filter((file) => /\.(pt|pth)$/.test(file))
    for (const name of sampled(files, 80)) {
      const checkpoint = await openCheckpoint(readFileSync(`${FIXTURES}${name}`)).catch(unlessRefused)
      if (checkpoint !== undefined && isListed(checkpoint)) seen += await compareAll(checkpoint)
    }
    expect(seen).toBeGreaterThan(depth({ quick: 100, deep: 500 }))
  })

  it.each([
    ["transposed", [150, 500], [1, 150]],
    ["every third of each row", [150, 500], [1600, 3]],
    ["one column", [1, 500, 1], [999_999, 1500, 7]],
    ["two long rows with gaps", [2, 70_000], [200_000, 2]],
    ["a row that is repeated", [30, 3000], [0, 1]],
    ["many dimensions", [5, 20, 30, 30], [1, 5, 30_000, 900]],
    ["windows that overlap", [1000, 100], [2, 1]],
  ])("hold every element of a view once: %s", async (_, shape, strides) => {
    const views = new Map([["w", tensor(dtypeNamed("float32"), shape, { strides, offset: 3 })]])
    for (const style of [{}, { deflated: () => true }]) {
      expect(await compareAll(await openCheckpoint(writeCheckpoint(views, style)))).toBe(1)
    }
  })

  it("are a sample of a large view, from its beginning to its end and in the order of the storage", async () => {
    const side = 2 ** 14
    const { pieces, reads } = await readOf([side, side], [1, side])
    expect(pieces.count).toBe(128)
    expect(pieces.byteLength).toBe(32 * MiB)
    expect(reads).toEqual([...reads].sort((a, b) => a.start - b.start))
    expect([reads[0]?.start, reads.at(-1)?.start]).toEqual([0, side * side - 2 ** 16])
  })

  it("are not many where elements lie far apart", async () => {
    const far = 2 ** 20
    const { pieces, reads } = await readOf([far], [far])
    expect(pieces).toMatchObject({ count: 2048, byteLength: 2048 * 4 })
    expect([reads[0]?.start, reads.at(-1)?.start]).toEqual([0, (far - 1) * far])
    const repeated = await readOf([2 ** 30], [0])
    expect(repeated.pieces).toMatchObject({ count: 128, byteLength: 32 * MiB })
  })

  it.each([
    ["a column of a wide matrix", [100_000], [4096]],
    ["every second column", [2 ** 15, 2 ** 12], [2 ** 13, 2]],
    ["a third of each row", [2 ** 14, 2 ** 12], [3 * 2 ** 12, 1]],
    ["a few long rows with gaps", [4, 2 ** 24], [2 ** 26, 4]],
  ])("ask for 32 MiB at most, with the gaps: %s", async (_, shape, strides) => {
    const { reads } = await readOf(shape, strides)
    const spanned = reads.reduce((sum, { start, end }) => sum + 4 * (end - start + 1), 0)
    expect(spanned).toBeLessThanOrEqual(32 * MiB)
    expect(spanned).toBeGreaterThan(24 * MiB)
  })
})

function unlessRefused(error: unknown): undefined {
  if (!isCheckpointError(error)) throw error
}

/** Whether its tensors have names of their own. */
function isListed(checkpoint: Checkpoint): boolean {
  try {
    return checkpoint.tensors.size > 0
  } catch (error) {
    unlessRefused(error)
    return false
  }
}

/** How many tensors were compared. */
async function compareAll(checkpoint: Checkpoint): Promise<number> {
  let seen = 0
  for (const [name, info] of checkpoint.tensors) {
    if (info.kind !== "tensor") continue
    const pieces = piecesOf(checkpoint.tensor(name), info)
    const bytes = await allOf(pieces)
    await pieces.close()
    expect(pieces.byteLength).toBe(bytes.length)
    const itemBytes = info.byteLength / Math.max(1, info.elementCount)
    expect(elementsOf(bytes, itemBytes)).toEqual(elementsOf(await checkpoint.readTensor(name), itemBytes))
    seen += 1
  }
  return seen
}

interface Read {
  /** Elements of the storage: the first and the last that are asked for. */
  readonly start: number
  readonly end: number
}

/** The pieces of a view of float32 that need not be anywhere, and where in the storage each of them reads. */
async function readOf(
  shape: readonly number[],
  strides: readonly number[],
): Promise<{ readonly pieces: TensorPieces; readonly reads: readonly Read[] }> {
  const elementCount = shape.reduce((product, size) => product * size, 1)
  const reads: Read[] = []
  const order = [...shape.keys()].sort((a, b) => (strides[b] ?? 0) - (strides[a] ?? 0))
  const stored = order.map((d) => ({ size: shape[d] ?? 0, stride: strides[d] ?? 0 }))
  const placeOf = (element: number): number => {
    let left = element
    return stored.reduceRight((place, { size, stride }) => {
      const index = left % size
      left = Math.floor(left / size)
      return place + index * stride
    }, 0)
  }
  const partOf = (first: number, count: number): object => ({
    byteLength: 4 * count,
    shape: stored.map(({ size }) => size),
    rows: (from: number, to: number) => {
      const row = count / (stored[0]?.size ?? 1)
      return partOf(first + from * row, (to - from) * row)
    },
    read: async (offset: number, length: number) => {
      const from = first + offset / 4
      reads.push({ start: placeOf(from), end: placeOf(from + length / 4 - 1) })
      return new Uint8Array(0)
    },
    close: async () => {},
  })
  const source = { inStorageOrder: () => partOf(0, elementCount) }
  const pieces = piecesOf(source as never, { shape, strides, elementCount })
  await allOf(pieces)
  return { pieces, reads }
}
