/** Tensors of open files as sources, and as typed arrays. */

import { describe, expect, it } from "vitest"
import { memorySource } from "../../src/bytes/sources.ts"
import { type Checkpoint, openCheckpoint, openSafetensors, toSafetensorsBytes } from "../../src/index.ts"
import { torchArchive } from "../archive/zip-builder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestTensor, tensor } from "../property/model.ts"
import { DATA_PKL, filesIn } from "../torch/small-checkpoint.ts"
import { mixedTensors } from "../transfer/plans.ts"

const F32 = dtypeNamed("float32")
const STYLES = [
  ["stored", {}],
  ["deflated", { deflated: () => true }],
  ["legacy", { layout: "legacy" }],
  ["big-endian", { byteOrder: "big" }],
] as const

/** A source that counts what is read of it. */
function counted(bytes: Uint8Array) {
  const source = {
    ...memorySource(bytes),
    bytesRead: 0,
    async read(offset: number, length: number) {
      source.bytesRead += length
      return bytes.subarray(offset, offset + length)
    },
  }
  return source
}

async function of(tensors: ReadonlyMap<string, TestTensor>, style = {}): Promise<Checkpoint> {
  return openCheckpoint(writeCheckpoint(tensors, style))
}

describe.each(STYLES)("a tensor of a checkpoint that is %s", (_, style) => {
  it("is a source of its bytes", async () => {
    const checkpoint = await of(mixedTensors(), style)
    for (const [name, info] of checkpoint.tensors) {
      const source = checkpoint.tensor(name)
      const whole = await source.bytes()
      if (info.kind !== "tensor") expect.unreachable()
      const { torchDtype, dtype, shape, byteLength } = info
      expect(source).toMatchObject({ name, torchDtype, dtype, shape, byteLength })
      expect(Buffer.compare(whole, await checkpoint.readTensor(name))).toBe(0)
      for (const [start, end] of [
        [0, byteLength],
        [3, 3],
        [1, byteLength - 1],
        [byteLength >> 1, byteLength],
      ] as const) {
        if (start > end || end > byteLength) continue
        expect(Buffer.compare(await source.read(start, end - start), whole.subarray(start, end))).toBe(0)
      }
      await source.close()
    }
  })

  it("has rows, which are tensors", async () => {
    const checkpoint = await of(mixedTensors(), style)
    for (const name of ["matrix", "transposed", "conj", "wide", "bytes", "column"]) {
      const source = checkpoint.tensor(name)
      const whole = await source.bytes()
      const [count = 0] = source.shape
      const rowBytes = source.byteLength / count
      for (const [from, to] of [
        [0, count],
        [1, 2],
        [2, count],
        [1, 1],
      ] as const) {
        const rows = source.rows(from, to)
        expect(rows.shape).toEqual([to - from, ...source.shape.slice(1)])
        expect(Buffer.compare(await rows.bytes(), whole.subarray(from * rowBytes, to * rowBytes))).toBe(0)
        expect(Buffer.compare(await rows.rows(0, to - from).bytes(), await rows.bytes())).toBe(0)
      }
    }
  })

  it("has the same elements in the order in which they are stored", async () => {
    const checkpoint = await of(mixedTensors(), style)
    const sorted = (bytes: Uint8Array): readonly number[] => [...bytes].sort((a, b) => a - b)
    for (const name of checkpoint.tensors.keys()) {
      const source = checkpoint.tensor(name)
      const stored = source.inStorageOrder()
      expect(sorted(await stored.bytes())).toEqual(sorted(await source.bytes()))
    }
    const transposed = checkpoint.tensor("transposed").inStorageOrder()
    expect(Buffer.compare(await transposed.bytes(), await checkpoint.readTensor("matrix"))).toBe(0)
  })
})

describe("a tensor", () => {
  it("is read by rows without the rest", async () => {
    const big = tensor(F32, [1000, 500])
    const source = counted(writeCheckpoint(new Map([["w", big]])))
    const checkpoint = await openCheckpoint(source)
    const before = source.bytesRead
    const rows = checkpoint.tensor("w").rows(900, 902)
    expect((await rows.toFloat32Array()).length).toBe(1000)
    expect(source.bytesRead - before).toBe(4000)
  })

  it("is checked when it is read whole, and once", async () => {
    const bytes = writeCheckpoint(new Map([["w", tensor(F32, [300])]]))
    const checkpoint = await openCheckpoint(bytes)
    const plan = checkpoint.plan()
    const [extent] = plan.extents
    const at = (extent?.offset ?? 0) + 8
    bytes[at] = (bytes[at] as number) ^ 1
    await expect(checkpoint.tensor("w").bytes()).rejects.toMatchObject({ code: "checksum" })
    await expect(checkpoint.tensor("w").toFloat32Array()).rejects.toMatchObject({ code: "checksum" })
    // What was asked for is a part, and the rest is not read for it.
    expect((await checkpoint.tensor("w").rows(0, 3).bytes()).length).toBe(12)
  })

  it("has its rows in storage order, whatever dimensions of size 1 say", async () => {
    const views = new Map([["w", tensor(F32, [1, 2, 5], { strides: [999, 1, 40] })]])
    const stored = (await of(views)).tensor("w").inStorageOrder()
    expect(stored.shape).toEqual([5, 2, 1])
    expect((await stored.rows(3, 5).bytes()).length).toBe(16)
  })

  it("is checked when it is read to its end in order", async () => {
    const bytes = writeCheckpoint(
      new Map([
        ["w", tensor(F32, [300])],
        ["turned", tensor(F32, [20, 15], { strides: [1, 20] })],
      ]),
    )
    const places = (await openCheckpoint(bytes)).plan().extents.map(({ offset = 0 }) => offset + 8)
    for (const at of places) bytes[at] = (bytes[at] as number) ^ 1
    const checkpoint = await openCheckpoint(bytes)
    for (const name of ["w", "turned"]) {
      const source = checkpoint.tensor(name).inStorageOrder()
      await source.read(0, 400)
      await source.read(400, 400)
      await expect(source.read(800, 400), name).rejects.toMatchObject({ code: "checksum" })
      expect((await source.read(800, 400)).length).toBe(400)
    }
  })

  it.each([
    [-1, 2],
    [0, 31],
    [3, 2],
    [0.5, 2],
    [0, Number.NaN],
  ])("has no rows %s to %s", async (from, to) => {
    const checkpoint = await of(mixedTensors())
    expect(() => checkpoint.tensor("matrix").rows(from, to)).toThrow(/there are no rows/)
    expect(() => checkpoint.tensor("scalar").rows(from, to)).toThrow(/there are no rows/)
  })

  it("must be there, and be one that is supported", async () => {
    const checkpoint = await of(mixedTensors())
    expect(() => checkpoint.tensor("matrik")).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        detail: expect.objectContaining({ candidates: ["matrix"] }),
      }),
    )
  })

  it("that safetensors cannot hold is refused, unless its bytes alone are asked for", async () => {
    // On the device `meta` it has no values.
    const pickle = Buffer.from(DATA_PKL).toString("latin1").replace("\x03\0\0\0cpu", "\x04\0\0\0meta")
    const files = { ...filesIn("a/"), "a/data.pkl": new Uint8Array(Buffer.from(pickle, "latin1")) }
    const checkpoint = await openCheckpoint(torchArchive(files))
    expect(checkpoint.tensors.get("w")).toMatchObject({ kind: "unsupported-tensor" })
    expect(() => checkpoint.tensor("w")).toThrow(expect.objectContaining({ code: "tensor-unsupported" }))
    const bits = { ...dtypeNamed("uint8"), torch: "qint8", storageClass: "QInt8Storage" }
    const quantized = (await of(new Map([["q", tensor(bits, [5])]]))).tensor("q")
    expect([quantized.dtype, (await quantized.bytes()).length]).toEqual([undefined, 5])
    await expect(quantized.toTypedArray()).rejects.toMatchObject({ code: "tensor-unsupported" })
    await expect(quantized.toFloat32Array()).rejects.toMatchObject({ code: "tensor-unsupported" })
  })

  it("is a typed array of its values, or of their bits", async () => {
    const numbers = new Map(
      [
        "float64",
        "float32",
        "int64",
        "uint64",
        "int32",
        "int16",
        "uint16",
        "int8",
        "uint8",
        "float16",
        "bfloat16",
        "float8_e5m2",
        "complex64",
      ].map((name) => [name, tensor(dtypeNamed(name), [6])]),
    )
    const checkpoint = await of(numbers)
    const types = {
      float64: Float64Array,
      float32: Float32Array,
      int64: BigInt64Array,
      uint64: BigUint64Array,
      int32: Int32Array,
      int16: Int16Array,
      uint16: Uint16Array,
      int8: Int8Array,
      uint8: Uint8Array,
      float16: Uint16Array,
      bfloat16: Uint16Array,
      float8_e5m2: Uint8Array,
      complex64: Float32Array,
    }
    for (const [name, Type] of Object.entries(types)) {
      const array = await checkpoint.tensor(name).toTypedArray()
      expect(array, name).toBeInstanceOf(Type)
      expect(
        Buffer.compare(
          new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
          await checkpoint.readTensor(name),
        ),
      ).toBe(0)
    }
    expect((await checkpoint.tensor("int8").toFloat32Array()).length).toBe(6)
    await expect(checkpoint.tensor("complex64").toFloat32Array()).rejects.toMatchObject({
      code: "invalid-argument",
    })
  })
})

describe("a safetensors file", () => {
  it("has the same tensors, which are read alike", async () => {
    const tensors = mixedTensors()
    const { bytes } = await toSafetensorsBytes(writeCheckpoint(tensors), { shared: "copy" })
    const checkpoint = await of(tensors)
    const source = counted(bytes)
    const file = await openSafetensors(source)
    const headerBytes = source.bytesRead
    expect([...file.tensors.keys()].sort()).toEqual([...checkpoint.tensors.keys()].sort())
    for (const name of file.tensors.keys()) {
      const [mine, theirs] = [file.tensor(name), checkpoint.tensor(name)]
      expect(mine.shape).toEqual(theirs.shape)
      expect(mine.dtype).toBe(theirs.dtype)
      expect(Buffer.compare(await mine.bytes(), await theirs.bytes())).toBe(0)
    }
    expect(headerBytes).toBeLessThan(bytes.length - 100)
    const wide = file.tensor("matrix").rows(2, 4)
    expect(await wide.toFloat32Array()).toEqual(await checkpoint.tensor("matrix").rows(2, 4).toFloat32Array())
  })
})
