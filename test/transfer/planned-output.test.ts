/** What a planned output reads, checks and holds. That its bytes are right is a property: test/property. */

import { describe, expect, it } from "vitest"
import { checkSafetensors, openCheckpoint, toSafetensorsBytes } from "../../src/index.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")

function counting(file: Uint8Array): {
  byteLength: number
  bytesRead: number
  read: (o: number, l: number) => Promise<Uint8Array>
} {
  return {
    byteLength: file.length,
    bytesRead: 0,
    async read(offset, length) {
      this.bytesRead += length
      return file.subarray(offset, offset + length)
    },
  }
}

/** Of 4 MB each. */
const TENSORS = new Map(
  ["a", "b", "c"].map((name, seed) => [name, tensor(F32, [1000, 1000], { seed })] as const),
)
const FILE = writeCheckpoint(TENSORS)

describe("reading", () => {
  it("takes from the input what is asked for, and nothing else", async () => {
    const source = counting(FILE)
    await using checkpoint = await openCheckpoint(source)
    const output = checkpoint.output(checkpoint.plan())
    source.bytesRead = 0
    expect((await output.read(0, 8)).length).toBe(8)
    expect(source.bytesRead).toBe(0)
    await output.read(6_000_000, 12_345)
    expect(source.bytesRead).toBe(12_345)
    expect((await output.read(output.byteLength, 0)).length).toBe(0)
  })

  it("takes thousands of small tensors together", async () => {
    const small = Array.from(
      { length: 3000 },
      (_, i) => [`t${i}`, tensor(F32, [i % 5], { seed: i })] as const,
    )
    const file = writeCheckpoint(new Map(small))
    await using checkpoint = await openCheckpoint(file)
    const output = checkpoint.output(checkpoint.plan())
    const { bytes } = await toSafetensorsBytes(file)
    expect(Buffer.compare(await output.read(0, output.byteLength), bytes)).toBe(0)
    const half = output.byteLength >> 1
    expect(Buffer.compare(await output.read(half, 5000), bytes.subarray(half, half + 5000))).toBe(0)
  })

  it("is a source like any other", async () => {
    await using checkpoint = await openCheckpoint(FILE)
    const check = await checkSafetensors(checkpoint.output(checkpoint.plan()))
    expect([...(check.header?.tensors.keys() ?? [])]).toEqual(["a", "b", "c"])
  })

  it.each([
    [-1, 1],
    [0.5, 1],
    [0, -1],
    [0, Number.NaN],
    [0, 2 ** 40],
    [12_000_000, 100_000],
  ])("refuses the range %d, %d", async (offset, length) => {
    await using checkpoint = await openCheckpoint(FILE)
    const output = checkpoint.output(checkpoint.plan())
    await expect(output.read(offset, length)).rejects.toMatchObject({ code: "invalid-argument" })
  })

  it("ends with the signal's reason, also while another read is served", async () => {
    const turned = new Map([["t", tensor(F32, [800, 900], { strides: [1, 800] })]])
    await using checkpoint = await openCheckpoint(writeCheckpoint(turned))
    const output = checkpoint.output(checkpoint.plan())
    const controller = new AbortController()
    const [kept, given] = [output.read(0, 2_000_000), output.read(0, 2_000_000, controller.signal)]
    controller.abort("enough")
    await expect(given).rejects.toBe("enough")
    expect((await kept).length).toBe(2_000_000)
    await expect(output.read(0, 9, AbortSignal.abort("no"))).rejects.toBe("no")
  })

  it("fails when the input has changed", async () => {
    let changed = false
    const source = {
      ...counting(FILE),
      assertUnchanged: async () => {
        if (changed) throw Object.assign(new Error("it is another"), {})
      },
    }
    await using checkpoint = await openCheckpoint(source)
    const output = checkpoint.output(checkpoint.plan())
    changed = true
    await expect(output.read(0, 500_000)).rejects.toMatchObject({ code: "read-failed" })
  })
})

describe("a storage whose checksum is wrong", () => {
  const broken = FILE.slice()
  broken[6_000_000] = (broken[6_000_000] ?? 0) ^ 1

  async function readInSteps(step: number, verify: "crc" | "none" = "crc"): Promise<number> {
    await using checkpoint = await openCheckpoint(broken)
    const output = checkpoint.output(checkpoint.plan({ verify }))
    let read = 0
    for (; read < output.byteLength; read += step) {
      await output.read(read, Math.min(step, output.byteLength - read))
    }
    return read
  }

  it("is found when all of it is read, at once or in order", async () => {
    for (const step of [100_000, 1_048_576, 5_000_000, 13_000_000]) {
      await expect(readInSteps(step)).rejects.toMatchObject({ code: "checksum" })
    }
    await using checkpoint = await openCheckpoint(broken)
    const plan = checkpoint.plan()
    await expect(checkpoint.output(plan).read(0, plan.byteLength)).rejects.toMatchObject({ code: "checksum" })
  })

  it("is not looked for where the plan says so", async () => {
    expect(await readInSteps(1_000_000, "none")).toBeGreaterThan(12_000_000)
  })

  it("is not found in a part", async () => {
    await using checkpoint = await openCheckpoint(broken)
    const output = checkpoint.output(checkpoint.plan())
    expect((await output.read(5_000_000, 2_000_000)).length).toBe(2_000_000)
  })
})

describe("a deflated storage", () => {
  const file = writeCheckpoint(TENSORS, { deflated: (name) => name.includes("/data/") })

  it("is inflated once when it is read in order, and reads may lie anywhere", async () => {
    const { bytes } = await toSafetensorsBytes(file)
    const source = counting(file)
    await using checkpoint = await openCheckpoint(source, {
      limits: { inflateRatio: 0, inflateFloorBytes: 13_000_000 },
    })
    const output = checkpoint.output(checkpoint.plan())
    source.bytesRead = 0
    for (let at = 0; at < bytes.length; at += 700_000) {
      const length = Math.min(700_000, bytes.length - at)
      expect(Buffer.compare(await output.read(at, length), bytes.subarray(at, at + length))).toBe(0)
    }
    expect(source.bytesRead).toBeLessThan(file.length * 1.1)
    for (const at of [9_000_000, 8_500_000, 100, 11_000_000]) {
      expect(Buffer.compare(await output.read(at, 999), bytes.subarray(at, at + 999))).toBe(0)
    }
    await output.close()
  })
})
