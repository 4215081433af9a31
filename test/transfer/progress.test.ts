/** What `onProgress` is told: of writing, and of reading for checksums alone. */

import { describe, expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { blobSource } from "../../src/bytes/sources.ts"
import {
  type ConvertOptions,
  type Progress,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import { TRANSFER_SIZES } from "../../src/transfer/cut-segments.ts"
import { planToBlob } from "../../src/transfer/plan-to-blob.ts"
import { sampled } from "../depth.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { noise, type TestValue, tensor } from "../property/model.ts"
import { mixedTensors, overSource, planOf } from "./plans.ts"

const U8 = dtypeNamed("uint8")
const MiB = 1024 * 1024

/** A slice of a Blob; the beginning of a storage, which is read whole for its checksum alone; and every kind of view. */
const value: TestValue = new Map([
  ...mixedTensors(),
  ["large", tensor(U8, [6 * MiB])],
  ["beginning", tensor(U8, [10], { storage: { key: "770077", dtype: U8, bytes: noise(3 * MiB, 4) } })],
])

const nowhere = (): WritableStream<Uint8Array> => new WritableStream()

const ROUTES: readonly (readonly [
  string,
  (file: Uint8Array<ArrayBuffer>, options: ConvertOptions) => Promise<unknown>,
])[] = [
  ["into memory", toSafetensorsBytes],
  ["into a stream of the caller's", (file, options) => toSafetensors(file, nowhere(), options)],
  [
    "as a stream",
    async (file, options) => (await toSafetensorsStream(file, options)).stream.pipeTo(nowhere()),
  ],
  ["to a Blob from bytes", toSafetensorsBlob],
  ["to a Blob of slices", (file, options) => toSafetensorsBlob(new Blob([file]), options)],
]

function requireOrdered(seen: readonly Progress[]): void {
  for (const [i, { written, total, checked, toCheck }] of seen.entries()) {
    const before = seen[i - 1] ?? { written: 0, total, checked: 0, toCheck }
    expect(written).toBeGreaterThanOrEqual(before.written)
    expect(checked).toBeGreaterThanOrEqual(before.checked)
    expect([total, toCheck]).toEqual([before.total, before.toCheck])
    expect(written).toBeLessThanOrEqual(total)
    expect(checked).toBeLessThanOrEqual(toCheck)
  }
}

describe.each(sampled(ROUTES, 2))("progress %s", (_, run) => {
  it.each([
    ["stored", {}, "crc"],
    ["deflated", { deflated: () => true }, "crc"],
    ["legacy", { layout: "legacy" }, "crc"],
    ["unchecked", {}, "none"],
  ] as const)("of a %s checkpoint never falls and ends complete", async (style, written, verify) => {
    const { file, plan } = await planOf(value, written, { verify })
    const seen: Progress[] = []
    await run(file, { verify, onProgress: (progress) => void seen.push(progress) })
    requireOrdered(seen)
    const toCheck = plan.checkedExtents.reduce(
      (sum, place) => sum + (plan.extents[place]?.byteLength ?? 0),
      0,
    )
    const total = plan.byteLength
    expect(seen.at(-1)).toEqual({ written: total, total, checked: toCheck, toCheck })
    expect(toCheck > 9 * MiB).toBe(style === "stored" || style === "deflated")
  })
})

describe("a Blob of slices", () => {
  it("tells of what is read to check it", async () => {
    const { file } = await planOf(value)
    const seen: Progress[] = []
    await toSafetensorsBlob(new Blob([file]), { onProgress: (progress) => void seen.push(progress) })
    const checking = seen.filter(({ written, total }) => written === total)
    expect(checking.length).toBeGreaterThan(2)
    expect(checking[0]?.checked).toBeLessThan(MiB)
  })

  it("stops where its signal is aborted between two reads", async () => {
    const { file, plan } = await planOf(value)
    const { blob, read } = blobSource(new Blob([file]))
    let bytesRead = 0
    const source = {
      byteLength: file.length,
      ...(blob === undefined ? {} : { blob }),
      read: async (offset: number, length: number) => {
        bytesRead += length
        return read(offset, length)
      },
    }
    const controller = new AbortController()
    let bytesBefore: number | undefined
    const onProgress = ({ written, total }: Progress): void => {
      if (written < total || controller.signal.aborted) return
      bytesBefore = bytesRead
      controller.abort("enough")
    }
    const { signal } = controller
    const work = planToBlob(overSource(plan, source), { crc32, signal, onProgress, sizes: TRANSFER_SIZES })
    await expect(work).rejects.toBe("enough")
    expect(bytesRead - (bytesBefore ?? 0)).toBeLessThanOrEqual(4 * MiB)
    expect(bytesRead).toBeLessThan(file.length)
  })
})
