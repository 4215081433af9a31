/** A byte of a bool tensor other than 0 and 1 never reaches an output, whichever way the bytes go. */

import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import {
  openCheckpoint,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/node/index.ts"
import { runPlan } from "../../src/transfer/run-plan.ts"
import type { CopyRequest, GatherRequest } from "../../src/transfer/transfer-plan.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestTensor, tensor } from "../property/model.ts"
import { gatheredSlowly } from "./instruments.ts"
import { planOf } from "./plans.ts"

const BOOL = dtypeNamed("bool")
const U8 = dtypeNamed("uint8")
const newFolder = temporaryFolders()

/** Every byte there is, often enough to go through a window of its own. */
const EVERY_BYTE = Uint8Array.from({ length: 256 * 400 }, (_, index) => index & 255)

const bytesOfStorage = { key: "77", dtype: BOOL, bytes: EVERY_BYTE }
const few = { key: "78", dtype: BOOL, bytes: Uint8Array.of(0, 1, 2, 3, 127, 128, 254, 255) }
const untyped = { key: "79", dtype: undefined, bytes: Uint8Array.of(0, 1, 2, 255) }

const tensors: ReadonlyMap<string, TestTensor> = new Map([
  ["large", tensor(BOOL, [EVERY_BYTE.length], { storage: bytesOfStorage })],
  ["columns", tensor(BOOL, [3, 400], { storage: bytesOfStorage, strides: [1, 256], offset: 1 })],
  ["few", tensor(BOOL, [2, 4], { storage: few })],
  ["one", tensor(BOOL, [], { storage: few, offset: 2 })],
  ["again", tensor(BOOL, [2, 3], { storage: few, offset: 2, strides: [0, 1] })],
  ["seen as bool", tensor(BOOL, [4], { storage: untyped, untyped: true })],
  // Before and between them, what must come out as it is.
  ["seen as uint8", tensor(U8, [4], { storage: untyped, untyped: true })],
  ["bytes", tensor(U8, [EVERY_BYTE.length], { storage: { key: "80", dtype: U8, bytes: EVERY_BYTE } })],
])

const truth = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte === 0 ? 0 : 1))
const column = (first: number): number[] => Array.from({ length: 400 }, () => truth(EVERY_BYTE)[first] ?? 9)

const EXPECTED: ReadonlyMap<string, Uint8Array> = new Map([
  ["large", truth(EVERY_BYTE)],
  ["columns", Uint8Array.from([1, 2, 3].flatMap(column))],
  ["few", Uint8Array.of(0, 1, 1, 1, 1, 1, 1, 1)],
  ["one", Uint8Array.of(1)],
  ["again", Uint8Array.of(1, 1, 1, 1, 1, 1)],
  ["seen as bool", Uint8Array.of(0, 1, 1, 1)],
  ["seen as uint8", untyped.bytes],
  ["bytes", EVERY_BYTE],
])

const STYLES = [
  ["stored", {}],
  ["deflated", { deflated: () => true }],
  ["big-endian", { byteOrder: "big" }],
  ["legacy", { layout: "legacy" }],
] as const

describe.each(STYLES)("bools of a %s checkpoint are 0 and 1", (_, style) => {
  const input = writeCheckpoint(tensors, style)

  /** Compares each tensor of a converted file. */
  async function expectBools(file: Uint8Array, options = {}): Promise<void> {
    const { report } = (await openCheckpoint(input)).plan(options)
    expect(report.tensors.length).toBe(EXPECTED.size)
    for (const { name, start, byteLength } of report.tensors) {
      const bytes = file.subarray(start, start + byteLength)
      expect(Buffer.compare(bytes, EXPECTED.get(name) ?? new Uint8Array()), name).toBe(0)
    }
  }

  it("in memory", async () => {
    await expectBools((await toSafetensorsBytes(input)).bytes)
    await expectBools((await toSafetensorsBytes(input, { verify: "none" })).bytes)
  })

  it("in a file", async () => {
    const folder = newFolder()
    writeFileSync(join(folder, "model.pt"), input)
    await toSafetensors(join(folder, "model.pt"), join(folder, "model.safetensors"))
    await expectBools(readFileSync(join(folder, "model.safetensors")))
  })

  it("in streams", async () => {
    const { stream } = await toSafetensorsStream(input)
    await expectBools(new Uint8Array(await new Response(stream).arrayBuffer()))
    const chunks: Uint8Array[] = []
    await toSafetensors(input, new WritableStream({ write: (chunk) => void chunks.push(chunk.slice()) }))
    await expectBools(Buffer.concat(chunks))
  })

  it("in a Blob, made of bytes or of a Blob", async () => {
    for (const from of [input, new Blob([input])]) {
      for (const verify of ["crc", "none"] as const) {
        const { blob } = await toSafetensorsBlob(from, { verify })
        await expectBools(new Uint8Array(await blob.arrayBuffer()))
      }
    }
  })

  it("as single tensors", async () => {
    const checkpoint = await openCheckpoint(input)
    for (const [name, expected] of EXPECTED) {
      expect(Buffer.compare(await checkpoint.readTensor(name), expected), name).toBe(0)
    }
  })

  it("in a sink that takes parts of a plan over, which is not asked to copy them", async () => {
    const { plan, transfer } = await planOf(tensors, style)
    const copied: { readonly from: number; readonly to: number }[] = []
    const memory = new MemorySink()
    const sink = {
      randomAccess: true,
      open: (byteLength: number) => memory.open?.(byteLength),
      write: (position: number, bytes: Uint8Array) => memory.write(position, bytes),
      close: () => memory.close(),
      abort: () => memory.abort(),
      drawsFrom: () => true,
      async gatherFrom(request: GatherRequest): Promise<undefined> {
        memory.bytes.set(await gatheredSlowly(request), request.position)
      },
      async copyFrom({ position = 0, ranges }: CopyRequest): Promise<readonly number[]> {
        let at = position
        return ranges.map(({ offset, length }) => {
          copied.push({ from: at, to: at + length })
          const bytes = input.subarray(offset, offset + length)
          memory.bytes.set(bytes, at)
          at += length
          return crc32(bytes, 0)
        })
      },
    }
    const sizes = {
      chunkBytes: 1024,
      chunksInFlight: 4,
      smallGatherBytes: 64,
      directBytes: 4,
      windowBytes: 512,
      directWindowBytes: 512,
    }
    await runPlan(transfer, sink, { crc32, sizes })
    await expectBools(memory.bytes)
    const bools = plan.report.tensors.filter(({ dtype }) => dtype === "BOOL")
    const touched = bools.filter(({ start, byteLength }) =>
      copied.some(({ from, to }) => from < start + byteLength && to > start),
    )
    expect(touched).toEqual([])
    // The others are, where their bytes stand in the file.
    expect(copied.length > 0).toBe(!("deflated" in style))
  })
})

it("a bool tensor is reported as gathered, and as contiguous where it is", async () => {
  const checkpoint = await openCheckpoint(writeCheckpoint(tensors))
  const { report } = checkpoint.plan()
  const from = new Map(report.tensors.map((each) => [each.name, each.from]))
  expect(from.get("few")).toBe("gathered")
  expect(from.get("seen as bool")).toBe("gathered")
  expect(from.get("bytes")).toBe("copied")
  expect(checkpoint.tensors.get("few")).toMatchObject({ contiguous: true })
  expect(checkpoint.tensors.get("columns")).toMatchObject({ contiguous: false })
})
