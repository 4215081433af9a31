/** Plans over several sources: tensors of two files in one output. */

import { describe, expect, it } from "vitest"
import { tensorsOf } from "../../src/api/safetensors-file.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { atOnce } from "../../src/bytes/turns.ts"
import { parseSafetensorsHeader, toSafetensorsBytes, writePlan } from "../../src/index.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import type { PlanBounds } from "../../src/plan/plan.ts"
import type { TensorInput } from "../../src/plan/plan-tensors.ts"
import { planTensorsSteps } from "../../src/plan/plan-tensors.ts"
import type { NamedTensor } from "../../src/tensors/tensor.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")

/** Two files, and their tensors with storages that are numbered through. */
async function twoFiles(): Promise<{ files: readonly Uint8Array[]; input: TensorInput }> {
  const values = [
    new Map([
      ["a", tensor(F32, [30])],
      ["b", tensor(F32, [7])],
    ]),
    new Map([
      ["c", tensor(F32, [12, 5])],
      ["d", tensor(F32, [3])],
    ]),
  ]
  const files = await Promise.all(
    values.map(async (value) => (await toSafetensorsBytes(writeCheckpoint(value))).bytes),
  )
  const sources = files.map((file, index) => ({ name: `part-${index}`, source: memorySource(file) }))
  const found: NamedTensor[] = []
  for (const [index, { source }] of sources.entries()) {
    for (const each of tensorsOf(parseSafetensorsHeader(files[index] as Uint8Array), source)) {
      const storage = { ...each.tensor.storage, index: found.length }
      found.push({ ...each, tensor: { ...each.tensor, storage } })
    }
  }
  return { files, input: { found, sources, storageCount: found.length, checksums: "none" } }
}

const bounds = (inputByteLength: number): PlanBounds => ({ limits: DEFAULT_LIMITS, inputByteLength })

describe("a plan over two files", () => {
  it("draws from both by their numbers, and is carried out against both by their names", async () => {
    const { files, input } = await twoFiles()
    const { plan } = atOnce(
      planTensorsSteps(input, {}, bounds(files.reduce((sum, { length }) => sum + length, 0))),
    )
    expect(plan.sources).toEqual(
      files.map(({ length }, index) => ({ name: `part-${index}`, byteLength: length })),
    )
    expect(new Set(plan.extents.map(({ source }) => source))).toEqual(new Set([0, 1]))
    const [first, second] = files as [Uint8Array, Uint8Array]
    const sink = new MemorySink()
    await writePlan(JSON.parse(JSON.stringify(plan)), { "part-1": second, "part-0": first }, sink)
    const written = parseSafetensorsHeader(sink.bytes)
    expect([...written.tensors.keys()].sort()).toEqual(["a", "b", "c", "d"])
    for (const file of files) {
      const header = parseSafetensorsHeader(file)
      for (const [name, { start, end }] of header.tensors) {
        const at = written.tensors.get(name)
        const mine = sink.bytes.subarray(
          written.dataOffset + (at?.start ?? 0),
          written.dataOffset + (at?.end ?? 0),
        )
        expect(Buffer.compare(mine, file.subarray(header.dataOffset + start, header.dataOffset + end))).toBe(
          0,
        )
      }
    }
    const swapped = writePlan(plan, { "part-0": second, "part-1": first }, new MemorySink())
    await expect(swapped).rejects.toMatchObject({ code: "invalid-argument" })
  })

  it("may write what all of its sources together allow", async () => {
    const { files, input } = await twoFiles()
    const limits = { ...DEFAULT_LIMITS, outputFloorBytes: 0, outputRatio: 1 }
    const each = files.map(({ length }) => length)
    const plan = (inputByteLength: number) =>
      atOnce(planTensorsSteps(input, {}, { limits, inputByteLength })).plan
    expect(plan((each[0] ?? 0) + (each[1] ?? 0)).byteLength).toBeGreaterThan(Math.max(...each))
    expect(() => plan(Math.max(...each))).toThrow(expect.objectContaining({ code: "limit-exceeded" }))
  })
})
