/** What is noticed while bytes move: damage, inputs that change, entries that inflate too often. */

import { describe, expect, it } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { INPUT_CHANGED } from "../../src/bytes/errors.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import {
  CheckpointError,
  openCheckpoint,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import { runPlan } from "../../src/transfer/run-plan.ts"
import type { CopyRequest, DirectSink, GatherRequest } from "../../src/transfer/transfer-plan.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { noise, type TestTensor, tensor } from "../property/model.ts"
import { Conductor, gatheredSlowly, WatchingSink } from "./instruments.ts"
import { mixedTensors, overSource, planOf } from "./plans.ts"

const F32 = dtypeNamed("float32")
const U8 = dtypeNamed("uint8")

/** `file` with one bit of the storage of `tensor` turned. */
function damaged(
  file: Uint8Array<ArrayBuffer>,
  { storage }: TestTensor,
  at: number,
): Uint8Array<ArrayBuffer> {
  const copy = file.slice()
  const start = Buffer.from(copy.buffer).indexOf(storage.bytes)
  copy[start + at] = (copy[start + at] ?? 0) ^ 1
  return copy
}

/** A whole copy, a gather in one window, a small gather, and a slice that leaves most of its storage out. */
const whole = tensor(F32, [500], { seed: 1 })
const transposed = tensor(F32, [90, 70], { strides: [1, 90], seed: 2 })
const steps = tensor(F32, [40], { strides: [3], seed: 3 })
const slice = tensor(U8, [10], {
  offset: 5,
  storage: { key: "slice", dtype: U8, bytes: noise(3_000_000, 4) },
})

describe("one turned bit", () => {
  const value = new Map(
    Object.entries({
      whole,
      transposed,
      steps,
      slice: { ...slice, storage: { ...slice.storage, key: "77" } },
    }),
  )
  const tensors = [...value].flatMap(([name, each]) =>
    [0, 1, each.storage.bytes.length >> 1, each.storage.bytes.length - 1].map(
      (at) => [name, at, each] as const,
    ),
  )

  it.each(tensors)("in %s at %i is noticed by every route", async (_, at, each) => {
    const { file, plan } = await planOf(value)
    const bad = damaged(file, each, at)
    const code = { code: "checksum" }
    await expect(toSafetensorsBytes(bad)).rejects.toMatchObject(code)
    await expect(toSafetensorsBlob(new Blob([bad]))).rejects.toMatchObject(code)
    const { stream } = await toSafetensorsStream(bad)
    await expect(new Response(stream).arrayBuffer()).rejects.toBeDefined()
    for (const randomAccess of [true, false]) {
      const sink = new WatchingSink(randomAccess, new Conductor(at))
      const run = runPlan(overSource(plan, memorySource(bad)), sink, { crc32 })
      await expect(run).rejects.toMatchObject(code)
      expect(sink).toMatchObject({ complaints: [], closed: 0 })
      expect(sink.aborts.length).toBe(1)
    }
  })

  it.each(tensors)("in %s at %i passes when it was asked not to look", async (_, at, each) => {
    const { file } = await planOf(value)
    const { report } = await toSafetensorsBytes(damaged(file, each, at), { verify: "none" })
    expect(report.checksums).toBe("not-checked")
    expect(report.warnings.map(({ code }) => code)).toEqual(["checksums-not-checked"])
  })

  it("in a tensor that is left out is not looked for", async () => {
    const { file } = await planOf(value)
    const bad = damaged(file, whole, 0)
    expect((await toSafetensorsBytes(bad, { exclude: "whole" })).report.checksums).toBe("checked")
    await expect((await openCheckpoint(bad)).readTensor("whole")).rejects.toMatchObject({ code: "checksum" })
    expect((await (await openCheckpoint(bad)).readTensor("steps")).length).toBe(160)
  })

  it("passes where the archive has no checksums, which is said", async () => {
    const { file } = await planOf(value, { checksums: false })
    const { report } = await toSafetensorsBytes(damaged(file, whole, 3))
    expect(report.checksums).toBe("absent")
    expect(report.warnings.map(({ code }) => code)).toEqual(["checksums-absent"])
  })

  it("reading a tensor without elements reads nothing", async () => {
    const empty = tensor(F32, [0], { storage: whole.storage })
    const { file } = await planOf(new Map([["empty", empty]]))
    const checkpoint = await openCheckpoint(damaged(file, whole, 0))
    expect(await checkpoint.readTensor("empty")).toEqual(new Uint8Array(0))
  })
})

describe("an input that changes", () => {
  it.each(["read", "readInto"])("by becoming shorter is noticed (%s)", async (how) => {
    const { file, plan } = await planOf(mixedTensors())
    const end = Math.floor(file.length / 2)
    const short = (offset: number, length: number): Uint8Array =>
      file.subarray(Math.min(offset, end), Math.min(offset + length, end))
    const source: ByteSource = {
      byteLength: file.length,
      read: async (offset, length) => short(offset, length),
      ...(how === "read"
        ? {}
        : {
            readInto: async (offset: number, target: Uint8Array) => {
              const bytes = short(offset, target.length)
              target.set(bytes)
              return bytes.length
            },
          }),
    }
    const sink = new WatchingSink(true, new Conductor(2))
    const run = runPlan(overSource(plan, source), sink, { crc32 })
    await expect(run).rejects.toMatchObject({ code: "truncated" })
    expect([sink.aborts.length, sink.closed, sink.complaints]).toEqual([1, 0, []])
  })

  it("is noticed at the end by a source that can tell", async () => {
    const { file, plan } = await planOf(mixedTensors())
    const changed = new CheckpointError(INPUT_CHANGED, { problem: "it was written to" })
    const source: ByteSource = {
      ...memorySource(file),
      assertUnchanged: () => Promise.reject(changed),
    }
    const sink = new WatchingSink(false, new Conductor(2))
    await expect(runPlan(overSource(plan, source), sink, { crc32 })).rejects.toBe(changed)
    expect([sink.aborts, sink.closed]).toEqual([[changed], 0])
  })
})

describe("a deflated entry", () => {
  const big = { key: "9", dtype: U8, bytes: noise(2_000_000, 1).fill(0) }
  /** Each name lies before the one before it, so that each inflates the entry from its start. */
  const backwards = new Map(
    Array.from({ length: 60 }, (_, i) => {
      const offset = 1_900_000 - i * 5000
      // Steps that are too wide for a gather that shares its chunk.
      return [
        `t${String(i).padStart(3, "0")}`,
        tensor(U8, [2], { storage: big, offset, strides: [80_000] }),
      ] as const
    }),
  )
  const style = { deflated: (name: string): boolean => name.includes("data/") }

  it("that would be inflated dozens of times is given up", async () => {
    const { file } = await planOf(backwards, style)
    const limits = { inflateFloorBytes: 20_000_000, inflateRatio: 1 }
    expect((await toSafetensorsBytes(file)).report.tensorCount).toBe(60)
    await expect(toSafetensorsBytes(file, { limits })).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "inflateRatio", allowed: 20_000_000 + file.length },
    })
    await expect(toSafetensorsBlob(new Blob([file]), { limits })).rejects.toMatchObject({
      code: "limit-exceeded",
    })
  })

  it("that inflates to too much is refused before it is read, also for one tensor", async () => {
    const limits = { inflateFloorBytes: 100_000, inflateRatio: 1 }
    const { file } = await planOf(backwards, style)
    const refusal = { code: "limit-exceeded", detail: { limit: "inflateFloorBytes" } }
    await expect(toSafetensorsBytes(file, { limits })).rejects.toMatchObject(refusal)
    await expect((await openCheckpoint(file, { limits })).readTensor("t000")).rejects.toMatchObject(refusal)
  })
})

describe("a sink that takes parts of a plan over", () => {
  /** Copies from the source with a checksum of its own. */
  class CopyingSink extends MemorySink implements DirectSink {
    readonly requests: CopyRequest[] = []
    gathered = 0
    readonly taken: boolean

    constructor(taken: boolean) {
      super()
      this.taken = taken
    }

    drawsFrom(): boolean {
      return this.taken
    }

    async gatherFrom(request: GatherRequest): Promise<undefined> {
      const bytes = await gatheredSlowly(request)
      this.bytes.set(bytes, request.position)
      this.gathered += bytes.length
    }

    async copyFrom(request: CopyRequest): Promise<readonly number[]> {
      this.requests.push(request)
      const checksums: number[] = []
      let at = request.position ?? 0
      for (const { offset, length, checksum } of request.ranges) {
        const bytes = await request.source.read(offset, length)
        if (request.position !== undefined) this.bytes.set(bytes, at)
        at += length
        checksums.push(checksum ? crc32(bytes, 0) : 0)
      }
      return checksums
    }
  }

  const sizes = {
    chunkBytes: 256,
    chunksInFlight: 4,
    smallGatherBytes: 128,
    directBytes: 300,
    windowBytes: 512,
    directWindowBytes: 512,
  }
  const all = new Map([
    ...mixedTensors(),
    ["second name", { ...whole, shape: [20, 25], strides: [25, 1] }],
    ["whole", whole],
  ])

  it("gets the stored copies, many at a time, with a checksum once an entry", async () => {
    const { file, plan, transfer } = await planOf(all)
    const { bytes } = await toSafetensorsBytes(file)
    const sink = new CopyingSink(true)
    await runPlan(transfer, sink, { crc32, sizes })
    expect(Buffer.compare(sink.bytes, bytes)).toBe(0)
    const copies = sink.requests.filter(({ position }) => position !== undefined)
    const ranges = copies.flatMap((request) => request.ranges)
    const sum = (lengths: readonly { readonly length: number }[]): number =>
      lengths.reduce((total, { length }) => total + length, 0)
    expect(sum(ranges)).toBe(sum(plan.segments.filter(({ kind }) => kind === "copy")))
    expect(copies.length).toBeLessThan(ranges.length)
    expect(sum(ranges.filter(({ checksum }) => checksum))).toBeLessThan(sum(ranges))
    // Extents that no copy takes whole are read once more, for their checksums alone, and large gathers are picked.
    expect(sink.requests.length).toBeGreaterThan(copies.length)
    expect(sink.gathered).toBeGreaterThan(0)
    for (const { position = -1, ranges } of copies) {
      expect(Math.floor(position / 300)).toBe(Math.floor((position + sum(ranges) - 1) / 300))
    }
  })

  it("is asked for nothing that it does not take", async () => {
    const { file, transfer } = await planOf(all)
    const sink = new CopyingSink(false)
    await runPlan(transfer, sink, { crc32, sizes })
    expect(sink.requests).toEqual([])
    expect(Buffer.compare(sink.bytes, (await toSafetensorsBytes(file)).bytes)).toBe(0)
  })

  it("has its checksums looked at", async () => {
    const { transfer } = await planOf(all)
    const sink = new CopyingSink(true)
    sink.copyFrom = async ({ ranges }) => ranges.map(() => 12345)
    await expect(runPlan(transfer, sink, { crc32, sizes })).rejects.toMatchObject({ code: "checksum" })
  })

  it("gets copies in order only by writes when it takes them in order", async () => {
    const { file, transfer } = await planOf(all)
    const parts: Uint8Array[] = []
    const sink: DirectSink = {
      randomAccess: false,
      write: async (_position, bytes) => void parts.push(bytes.slice()),
      drawsFrom: () => true,
      copyFrom: () => expect.unreachable(),
      gatherFrom: () => expect.unreachable(),
      close: async () => {},
      abort: async () => {},
    }
    await runPlan(transfer, sink, { crc32, sizes })
    expect(Buffer.compare(Buffer.concat(parts), (await toSafetensorsBytes(file)).bytes)).toBe(0)
  })
})
