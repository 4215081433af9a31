/** How many reads a conversion takes, and how many bytes it holds. Counted, never timed. */

import { describe, expect, it } from "vitest"
import type { ByteSink } from "../../src/bytes/byte-sink.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { toSafetensors, toSafetensorsBlob, toSafetensorsBytes } from "../../src/index.ts"
import { TRANSFER_SIZES } from "../../src/transfer/cut-segments.ts"
import { depth } from "../depth.ts"
import { legacyParts, PLAIN_STYLE, writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestTensor, tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")

class CountingSource implements ByteSource {
  readonly byteLength: number
  readonly #bytes: Uint8Array
  reads = 0
  bytesRead = 0

  constructor(bytes: Uint8Array) {
    this.byteLength = bytes.length
    this.#bytes = bytes
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads += 1
    this.bytesRead += length
    return this.#bytes.subarray(offset, offset + length)
  }
}

const TINY_COUNT = depth({ quick: 1200, deep: 20_000 })

describe(`${TINY_COUNT} tiny tensors in one file`, () => {
  const named = (make: (i: number) => TestTensor): ReadonlyMap<string, TestTensor> =>
    new Map(Array.from({ length: TINY_COUNT }, (_, i) => [`layer.${i}.weight`, make(i)]))

  it.each([
    ["contiguous", named((i) => tensor(F32, [2, 1 + (i % 3)]))],
    ["transposed", named(() => tensor(F32, [3, 2], { strides: [1, 3] }))],
  ])("(%s) take a few dozen reads and no byte much more than once", async (_, value) => {
    for (const layout of ["zip", "legacy"] as const) {
      const file = writeCheckpoint(value, { layout })
      const source = new CountingSource(file)
      const { bytes } = await toSafetensorsBytes(source)
      expect(source.reads).toBeLessThan(60)
      expect(source.bytesRead).toBeLessThan(3 * file.length)

      const forBlob = new CountingSource(file)
      const { blob } = await toSafetensorsBlob(forBlob)
      expect(Buffer.compare(new Uint8Array(await blob.arrayBuffer()), bytes)).toBe(0)
      expect(forBlob.reads).toBeLessThan(90)
    }
  })
})

const ROWS = depth({ quick: 900, deep: 5000 })

describe(`a transposed matrix of ${(ROWS * 4) / 100} MB`, () => {
  const COLUMNS = 10_000
  const valueAt = (element: number): number => Math.imul(element, 0x9e3779b1) >>> 0

  /** The file of which only the first bytes are real: elements are made from their places when they are read. */
  class SyntheticSource implements ByteSource {
    readonly byteLength: number
    readonly #head: Uint8Array
    /** Buffers that were filled. */
    readonly buffers = new Set<ArrayBufferLike>()

    constructor(head: Uint8Array) {
      this.#head = head
      this.byteLength = head.length + ROWS * COLUMNS * 4
    }

    async read(offset: number, length: number): Promise<Uint8Array> {
      const bytes = new Uint8Array(length)
      await this.readInto(offset, bytes)
      return bytes
    }

    async readInto(offset: number, target: Uint8Array): Promise<number> {
      if (target.length > 1024) this.buffers.add(target.buffer)
      const head = this.#head.subarray(offset, offset + target.length)
      target.set(head)
      const first = offset + head.length - this.#head.length
      const rest = target.subarray(head.length)
      if (first % 4 === 0 && rest.byteOffset % 4 === 0 && rest.length % 4 === 0) {
        const words = new Uint32Array(rest.buffer, rest.byteOffset, rest.length / 4)
        for (let i = 0; i < words.length; i++) words[i] = valueAt(first / 4 + i)
      } else {
        for (let i = 0; i < rest.length; i++) {
          const at = first + i
          rest[i] = valueAt(Math.floor(at / 4)) >>> (8 * (at % 4))
        }
      }
      return target.length
    }
  }

  /** Compares what it is given with the matrix as it must come out, and keeps nothing. */
  class ComparingSink implements ByteSink {
    readonly randomAccess = true
    readonly buffers = new Set<ArrayBufferLike>()
    wrong = 0
    compared = 0
    #dataStart = 0

    async open(byteLength: number): Promise<void> {
      this.#dataStart = byteLength - ROWS * COLUMNS * 4
    }

    async write(position: number, bytes: Uint8Array): Promise<void> {
      this.buffers.add(bytes.buffer)
      const skip = Math.max(0, this.#dataStart - position)
      const data = bytes.slice(skip)
      const first = (position + skip - this.#dataStart) / 4
      const words = new Uint32Array(data.buffer)
      for (let i = 0; i < words.length; i++) {
        const element = first + i
        const row = Math.floor(element / ROWS)
        if (words[i] !== valueAt((element - row * ROWS) * COLUMNS + row)) this.wrong += 1
      }
      this.compared += words.length
    }

    async close(): Promise<void> {}
    async abort(): Promise<void> {}
  }

  it("comes out right, and no more is held than a window and the chunks in flight", async () => {
    const bytes = { length: ROWS * COLUMNS * 4 } as Uint8Array
    const storage = { key: "0", dtype: F32, bytes }
    const matrix = tensor(F32, [COLUMNS, ROWS], { storage, strides: [1, COLUMNS] })
    const { pickles, storages } = legacyParts(new Map([["matrix", matrix]]), {
      ...PLAIN_STYLE,
      layout: "legacy",
    })
    const count = storages[0]?.count ?? new Uint8Array(0)
    const source = new SyntheticSource(Buffer.concat([pickles, count]))
    const sink = new ComparingSink()
    const report = await toSafetensors(source, sink)

    expect(report.parameterCount).toBe(ROWS * COLUMNS)
    expect(sink.compared).toBe(ROWS * COLUMNS)
    expect(sink.wrong).toBe(0)
    const held = [...new Set([...source.buffers, ...sink.buffers])].map(({ byteLength }) => byteLength)
    const sum = held.reduce((total, each) => total + each, 0)
    expect(sum).toBeLessThanOrEqual(TRANSFER_SIZES.windowBytes + 5 * TRANSFER_SIZES.chunkBytes)
  })
})
