import { describe, expect, it } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { blobSource } from "../../src/bytes/sources.ts"
import { type ConvertOptions, toSafetensorsBlob, toSafetensorsBytes } from "../../src/index.ts"
import { planToBlob } from "../../src/transfer/plan-to-blob.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestValue, tensor } from "../property/model.ts"
import { mixedTensors, overSource, planOf } from "./plans.ts"

const F32 = dtypeNamed("float32")

/** A Blob that counts what is read of it, slices being free. */
function countingSource(file: Uint8Array<ArrayBuffer>): ByteSource & { bytesRead: number } {
  const { byteLength, blob, read } = blobSource(new Blob([file]))
  if (blob === undefined) throw new Error("no blob")
  return {
    byteLength,
    blob,
    bytesRead: 0,
    async read(offset, length) {
      this.bytesRead += length
      return read(offset, length)
    },
  }
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer())
}

/** Two large contiguous tensors and a small one that must be gathered. */
const value: TestValue = new Map([
  ["a", tensor(F32, [100_000])],
  ["b", tensor(F32, [2, 50_000])],
  ["c", tensor(F32, [30, 20], { strides: [1, 30] })],
])

describe("a Blob out of a Blob", () => {
  it("reads only what must be gathered, when it was asked not to check", async () => {
    const { file, plan } = await planOf(value, {}, { verify: "none" })
    const source = countingSource(file)
    const { blob } = await planToBlob(overSource(plan, source), { crc32 })
    expect(source.bytesRead).toBe(30 * 20 * 4)
    expect(Buffer.compare(await bytesOf(blob), (await toSafetensorsBytes(file)).bytes)).toBe(0)
  })

  it("reads each storage once to check it", async () => {
    const { file, plan } = await planOf(value)
    const source = countingSource(file)
    await planToBlob(overSource(plan, source), { crc32 })
    expect(source.bytesRead).toBeLessThan(file.length)
    expect(source.bytesRead).toBeGreaterThanOrEqual(800_000 + 30 * 20 * 4)
  })

  it("is refused when the Blob is shorter than the source it claims to be", async () => {
    const { file, plan } = await planOf(value, {}, { verify: "none" })
    const source = { ...countingSource(file), blob: new Blob([file.subarray(0, 300_000)]) }
    await expect(planToBlob(overSource(plan, source), { crc32 })).rejects.toMatchObject({ code: "truncated" })
  })
})

describe("a Blob", () => {
  it.each([
    ["stored", {}],
    ["deflated", { deflated: () => true }],
    ["legacy", { layout: "legacy" }],
    ["big-endian", { byteOrder: "big" }],
  ] as const)("of a %s checkpoint is the file, from bytes and from a Blob", async (_, style) => {
    const { file } = await planOf(mixedTensors(), style)
    const { bytes } = await toSafetensorsBytes(file)
    for (const input of [file, new Blob([file])]) {
      const { blob, report } = await toSafetensorsBlob(input)
      expect(Buffer.compare(await bytesOf(blob), bytes)).toBe(0)
      expect(blob.type).toBe("application/octet-stream")
      expect(report.byteLength).toBe(blob.size)
    }
  })

  it("from any other source reads each byte about once, check included", async () => {
    const { file, plan } = await planOf(value)
    let bytesRead = 0
    const source: ByteSource = {
      byteLength: file.length,
      read: async (offset, length) => {
        bytesRead += length
        return file.subarray(offset, offset + length)
      },
    }
    await planToBlob(overSource(plan, source), { crc32 })
    expect(bytesRead).toBeLessThan(file.length * 1.1)
  })

  it("tells how far it is, up to the end", async () => {
    const { file } = await planOf(mixedTensors())
    const seen: number[] = []
    const options: ConvertOptions = { onProgress: ({ written }) => seen.push(written) }
    const { blob } = await toSafetensorsBlob(new Blob([file]), options)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.at(-1)).toBe(blob.size)
  })

  it("ends with what onProgress throws, and with the signal's reason", async () => {
    const { file } = await planOf(mixedTensors())
    const failure = new Error("stop")
    const onProgress = (): void => {
      throw failure
    }
    await expect(toSafetensorsBlob(new Blob([file]), { onProgress })).rejects.toBe(failure)
    const controller = new AbortController()
    const abort = (): void => controller.abort("enough")
    const { signal } = controller
    await expect(toSafetensorsBlob(new Blob([file]), { onProgress: abort, signal })).rejects.toBe("enough")
  })
})
