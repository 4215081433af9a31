import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import type { TensorPieces } from "../../examples/web/src/worker/tensor-pieces.ts"
import { piecesOfCheckpoint, piecesOfFile } from "../../examples/web/src/worker/tensor-pieces.ts"
import type { Checkpoint, ConversionPlan, GatherSegment } from "../../src/index.ts"
import { isCheckpointError, openCheckpoint } from "../../src/index.ts"
import { depth, sampled } from "../depth.ts"

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

  it("are a sample of a large view, from its beginning to its end and in the order of the storage", () => {
    const side = 2 ** 14
    const pieces = piecesOf({ itemBytes: 4, elementOffset: 0, shape: [side, side], strides: [1, side] })
    expect(pieces.count).toBe(128)
    expect(pieces.byteLength).toBe(32 * MiB)
    expect(pieces.offsets).toEqual([...pieces.offsets].sort((a, b) => a - b))
    expect([pieces.offsets[0], pieces.offsets.at(-1)]).toEqual([0, side * side - 2 ** 16])
  })

  it("are not many where elements lie far apart", () => {
    const far = 2 ** 20
    expect(piecesOf({ itemBytes: 4, elementOffset: 0, shape: [far], strides: [far] })).toMatchObject({
      count: 2048,
      byteLength: 2048 * 4,
    })
    const repeated = piecesOf({ itemBytes: 4, elementOffset: 0, shape: [2 ** 30], strides: [0] })
    expect(repeated).toMatchObject({ count: 128, byteLength: 32 * MiB })
  })

  it("of a file are read where they lie, and a file that has become shorter is an error", async () => {
    const file = new File([Uint8Array.from({ length: 100 }, (_, index) => index)], "a.safetensors")
    expect([...(await allOf(piecesOfFile(file, 10, 4)))]).toEqual([10, 11, 12, 13])
    await expect(allOf(piecesOfFile(file, 98, 4))).rejects.toThrow("shorter")
    expect(piecesOfFile(file, 100, 0).count).toBe(0)
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
    if (info.kind !== "tensor" || info.dtype === undefined) continue
    const pieces = piecesOfCheckpoint(checkpoint, name)
    const bytes = await allOf(pieces)
    expect(pieces.byteLength).toBe(bytes.length)
    const itemBytes = info.byteLength / Math.max(1, info.elementCount)
    expect(elementsOf(bytes, itemBytes)).toEqual(elementsOf(await checkpoint.readTensor(name), itemBytes))
    seen += 1
  }
  return seen
}

/** The pieces of a view that is only planned, with the places in the storage where they begin. */
function piecesOf(view: GatherSegment["view"]): TensorPieces & { readonly offsets: readonly number[] } {
  const planned: ConversionPlan[] = []
  const checkpoint = {
    plan: () => ({ segments: [{ kind: "gather", view }] }),
    output: (plan: ConversionPlan) => planned.push(plan),
  }
  const pieces = piecesOfCheckpoint(checkpoint as never, "weight")
  const segments = planned.flatMap((plan) => plan.segments)
  return {
    ...pieces,
    offsets: segments.map((segment) => (segment.kind === "gather" ? segment.view.elementOffset : -1)),
  }
}
