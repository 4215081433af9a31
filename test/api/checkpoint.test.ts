import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Progress } from "../../src/index.ts"
import { isCheckpointError, openCheckpoint, toSafetensorsBytes } from "../../src/index.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { Float, type TestValue, tensor } from "../property/model.ts"
import { SAMPLE } from "./sample.ts"

const F32 = dtypeNamed("float32")

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/oracle/${name}.pt`, import.meta.url)))
}

const info = (shape: readonly number[], key: string, changes: object = {}): object => {
  const elementCount = shape.reduce((product, size) => product * size, 1)
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((product, size) => product * size, 1))
  return {
    kind: "tensor",
    torchDtype: "float32",
    dtype: "F32",
    shape,
    strides,
    elementOffset: 0,
    elementCount,
    byteLength: elementCount * 4,
    contiguous: true,
    storage: { key, byteLength: elementCount * 4, location: "cpu" },
    ...changes,
  }
}

describe("a training checkpoint of torch", () => {
  const file = fixture("roots-explicit-over-rule")

  it("has the tensors of everything in it", async () => {
    const { tensors, format, byteLength } = await openCheckpoint(file)
    expect(format).toBe("zip")
    expect(byteLength).toBe(file.length)
    expect([...tensors.keys()].slice(0, 5)).toEqual([
      "state_dict.fc.weight",
      "state_dict.fc.bias",
      "optimizer.state.0.step",
      "optimizer.state.0.exp_avg",
      "optimizer.state.0.exp_avg_sq",
    ])
    expect(tensors.size).toBe(35)
    expect(tensors.get("optimizer.state.10.step")).toEqual(info([], "32"))
    // The last dimension is of one, so its stride may be anything.
    expect(tensors.get("state_dict.fc.weight")).toEqual(info([2, 1], "0"))
  })

  it("has values that are plain data", async () => {
    const { values } = await openCheckpoint(file)
    if (!(values instanceof Map)) throw new Error("no mapping")
    expect([...values.keys()]).toEqual(["state_dict", "optimizer", "epoch"])
    const optimizer = values.get("optimizer")
    if (!(optimizer instanceof Map)) throw new Error("no mapping")
    const [group] = optimizer.get("param_groups") as readonly unknown[]
    expect(Object.fromEntries(group as Map<string, unknown>)).toMatchObject({
      lr: 0.001,
      betas: [0.9, 0.999],
      eps: 1e-8,
      params: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    })
    expect((optimizer.get("state") as Map<number, Map<string, unknown>>).get(3)?.get("exp_avg")).toEqual(
      info([2], "12"),
    )
  })

  it("names its globals, sorted", async () => {
    expect((await openCheckpoint(file)).globals).toEqual([
      "collections.OrderedDict",
      "torch.FloatStorage",
      "torch._utils._rebuild_tensor_v2",
    ])
  })

  it("gives the bytes of the output for each of its tensors", async () => {
    const checkpoint = await openCheckpoint(file)
    const { bytes, report } = await toSafetensorsBytes(file, { root: "all", shared: "copy" })
    expect(report.tensorCount).toBe(35)
    for (const { name, start, byteLength } of report.tensors) {
      expect(await checkpoint.readTensor(name)).toEqual(bytes.slice(start, start + byteLength))
    }
  })
})

describe("values", () => {
  it("of every kind have their counterpart", async () => {
    const { values } = await openCheckpoint(fixture("values-every-kind-4"))
    const extra = (values as Map<string, unknown>).get("extra") as Map<string, unknown>
    expect(extra.get("none")).toBeNull()
    expect(extra.get("integers")).toEqual(
      expect.arrayContaining([255, -2_147_483_648, 9_007_199_254_740_993n]),
    )
    expect(extra.get("floats")).toEqual([0, -0, 1e308, 5e-324, Infinity, -Infinity, Number.NaN])
    expect(extra.get("complex")).toEqual({ kind: "complex", real: 1.5, imaginary: -2 })
    expect(extra.get("bytearray")).toEqual(Uint8Array.of(1, 128))
    expect(extra.get("set")).toEqual(new Set([1]))
    expect(extra.get("counter")).toEqual(
      new Map([
        [3, 1],
        [5, 2],
      ]),
    )
    expect(extra.get("size")).toEqual([2, 3])
    expect(extra.get("device")).toEqual({ kind: "device", text: "cuda:1" })
    expect(extra.get("layout")).toEqual({ kind: "layout", text: "torch.strided" })
  })

  it("and tensors are made once", async () => {
    const checkpoint = await openCheckpoint(SAMPLE)
    expect(checkpoint.values).toBe(checkpoint.values)
    expect(checkpoint.tensors).toBe(checkpoint.tensors)
  })

  it("that are one object stay one object", async () => {
    const same = tensor(F32, [2])
    const { values } = await openCheckpoint(writeCheckpoint([same, same, tensor(F32, [2])], { memo: true }))
    const [a, b, c] = values as readonly unknown[]
    expect(a).toBe(b)
    expect(a).not.toBe(c)
  })

  it("need not be a mapping", async () => {
    for (const [value, plain] of [
      [null, null],
      [7, 7],
      [new Float(0.5), 0.5],
      ["x", "x"],
      [
        [1, [2]],
        [1, [2]],
      ],
    ] as const) {
      const checkpoint = await openCheckpoint(writeCheckpoint(value))
      expect(checkpoint.values).toEqual(plain)
      expect(checkpoint.tensors.size).toBe(0)
      expect(() => checkpoint.plan()).toThrow(expect.objectContaining({ code: "no-tensors" }))
    }
  })

  it("of a tensor saved alone are that tensor, called tensor", async () => {
    const checkpoint = await openCheckpoint(writeCheckpoint(tensor(F32, [3])))
    expect([...checkpoint.tensors.keys()]).toEqual(["tensor"])
    expect(checkpoint.values).toEqual(checkpoint.tensors.get("tensor"))
    expect((await checkpoint.readTensor("tensor")).length).toBe(12)
  })
})

describe("tensors", () => {
  it("say whether their bytes stand in the file as they are", async () => {
    const value = new Map([
      ["plain", tensor(F32, [2, 3])],
      ["turned", tensor(F32, [3, 2], { strides: [1, 3] })],
      ["neg", tensor(F32, [2], { neg: true })],
    ])
    const contiguous = async (byteOrder: "little" | "big"): Promise<readonly unknown[]> => {
      const { tensors } = await openCheckpoint(writeCheckpoint(value, { byteOrder }))
      return Array.from(tensors.values(), (each) => each.kind === "tensor" && each.contiguous)
    }
    expect(await contiguous("little")).toEqual([true, false, false])
    expect(await contiguous("big")).toEqual([false, false, false])
  })

  it("that have no dtype in safetensors are listed without one, and read all the same", async () => {
    const dtype = {
      ...F32,
      torch: "complex128",
      storageClass: "ComplexDoubleStorage",
      itemBytes: 16,
      partBytes: 8,
    }
    const checkpoint = await openCheckpoint(writeCheckpoint(new Map([["z", tensor(dtype, [2])]])))
    expect(checkpoint.tensors.get("z")).toMatchObject({
      torchDtype: "complex128",
      dtype: undefined,
      byteLength: 32,
    })
    expect((await checkpoint.readTensor("z")).length).toBe(32)
    expect(() => checkpoint.plan()).toThrow(expect.objectContaining({ code: "tensor-unsupported" }))
  })

  it("that overlap in memory are named in chains, in the order of the checkpoint", async () => {
    const { sharedMemory } = await openCheckpoint(fixture("sharing-tied-thrice"))
    expect(sharedMemory).toEqual([
      ["c", "b", "a"],
      ["y", "x"],
    ])
  })

  it("with the same name are an error where names are asked for, and only there", async () => {
    const value = new Map<string, TestValue>([
      ["a.b", tensor(F32, [1])],
      ["a", new Map([["b", tensor(F32, [1])]])],
    ])
    const checkpoint = await openCheckpoint(writeCheckpoint(value))
    expect(() => checkpoint.tensors).toThrow(expect.objectContaining({ code: "name-duplicate" }))
    await expect(checkpoint.readTensor("a.b")).rejects.toMatchObject({ code: "name-duplicate" })
    expect(checkpoint.plan({ root: ["a"] }).report.tensorCount).toBe(1)
  })
})

describe("toBlob", () => {
  it("makes what toSafetensorsBlob makes, of a plan that is there", async () => {
    const options = { rename: (name: string) => `a.${name}` }
    const checkpoint = await openCheckpoint(new Blob([new Uint8Array(SAMPLE)]))
    const plan = checkpoint.plan(options)
    let last: Progress | undefined
    const onProgress = (progress: Progress): void => {
      last = progress
    }
    const { blob, report, spilledBytes } = await checkpoint.toBlob(plan, { onProgress })
    expect(report).toBe(plan.report)
    expect(spilledBytes).toBe(0)
    const { bytes } = await toSafetensorsBytes(SAMPLE, options)
    expect(Buffer.compare(new Uint8Array(await blob.arrayBuffer()), bytes)).toBe(0)
    expect(last).toMatchObject({ written: bytes.length, total: bytes.length })
  })

  it("holds no more than it may, and ends with the signal's reason", async () => {
    const checkpoint = await openCheckpoint(SAMPLE)
    const plan = checkpoint.plan()
    await expect(checkpoint.toBlob(plan, { maxMemoryBytes: 1 })).rejects.toMatchObject({
      code: "blob-memory",
    })
    await expect(checkpoint.toBlob(plan, { signal: AbortSignal.abort("no") })).rejects.toBe("no")
  })
})

describe("readTensor", () => {
  it.each(["", "weight ", "Weight", "__proto__", "constructor"])("refuses the name %j", async (name) => {
    const checkpoint = await openCheckpoint(SAMPLE)
    await expect(checkpoint.readTensor(name)).rejects.toMatchObject({
      code: "invalid-argument",
      detail: { argument: "name" },
    })
  })

  it("gives arrays of their own", async () => {
    const checkpoint = await openCheckpoint(SAMPLE)
    const one = await checkpoint.readTensor("weight")
    one.fill(0)
    expect((await checkpoint.readTensor("weight")).some((byte) => byte !== 0)).toBe(true)
    const reads = await Promise.all([checkpoint.readTensor("turned"), checkpoint.readTensor("turned")])
    expect(reads[0]).toEqual(reads[1])
  })

  it("reads a storage whole for its checksum once, however many tensors lie in it", async () => {
    const { storage } = tensor(F32, [50_000])
    const parts = new Map(
      Array.from(
        { length: 50 },
        (_, i) => [`part${i}`, tensor(F32, [10], { storage, offset: i * 900 })] as const,
      ),
    )
    const file = writeCheckpoint(parts)
    let bytesRead = 0
    const checkpoint = await openCheckpoint({
      byteLength: file.length,
      read: async (offset, length) => {
        bytesRead += length
        return file.subarray(offset, offset + length)
      },
    })
    bytesRead = 0
    for (const name of checkpoint.tensors.keys()) await checkpoint.readTensor(name)
    expect(bytesRead).toBe(200_000 + 50 * 40)
  })

  it("refuses a tensor that is far larger than the file", async () => {
    const wide = tensor(dtypeNamed("uint8"), [1 << 20, 1 << 20], { strides: [0, 0] })
    const checkpoint = await openCheckpoint(writeCheckpoint(new Map([["wide", wide]])))
    await expect(checkpoint.readTensor("wide")).rejects.toMatchObject({ code: "limit-exceeded" })
  })

  it("ends with the signal's reason", async () => {
    const checkpoint = await openCheckpoint(SAMPLE)
    await expect(checkpoint.readTensor("weight", { signal: AbortSignal.abort("no") })).rejects.toBe("no")
  })
})

describe("an error", () => {
  it("is recognised by its brand, and goes through JSON", async () => {
    const error: unknown = await openCheckpoint(new Uint8Array(3)).catch((e: unknown) => e)
    expect(isCheckpointError(error)).toBe(true)
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      code: "not-a-checkpoint",
      message: expect.any(String),
      nextStep: expect.any(String),
      detail: { looksLike: expect.any(String) },
    })
  })
})

describe("a value by its keys", () => {
  it("is what lies there, through mappings and sequences", async () => {
    const checkpoint = await openCheckpoint(fixture("roots-explicit-over-rule"))
    expect(checkpoint.valueAt()).toBe(checkpoint.values)
    expect(checkpoint.valueAt("epoch")).toEqual(expect.any(Number))
    expect(checkpoint.valueAt("optimizer", "param_groups", 0, "lr")).toEqual(expect.any(Number))
    expect(checkpoint.valueAt("state_dict", "fc.weight")).toMatchObject({ kind: "tensor", shape: [2, 1] })
  })

  it("is undefined where there is none", async () => {
    const checkpoint = await openCheckpoint(fixture("roots-explicit-over-rule"))
    for (const keys of [
      ["epoch", "x"],
      ["no"],
      ["optimizer", 0],
      ["optimizer", "param_groups", 9],
      ["__proto__"],
    ]) {
      expect(checkpoint.valueAt(...keys)).toBe(undefined)
    }
    expect(checkpoint.valueAt("optimizer", "param_groups", "length")).toBe(undefined)
  })
})

describe("candidates for the root", () => {
  it("are what holds tensors near the top, each once", async () => {
    const checkpoint = await openCheckpoint(fixture("roots-explicit-over-rule"))
    const paths = checkpoint.candidates.map(({ path }) => path.join("."))
    expect(paths).toEqual(["state_dict", "optimizer", "optimizer.state"])
    for (const { path, tensorCount } of checkpoint.candidates) {
      expect(checkpoint.plan({ root: path }).report.tensorCount).toBe(tensorCount)
    }
  })

  it("have the top among them where tensors lie there, and are none for a lone tensor", async () => {
    const loose = new Map<string, TestValue>([
      ["scale", tensor(F32, [2])],
      ["model", new Map([["w", tensor(F32, [2])]])],
    ])
    const { candidates } = await openCheckpoint(writeCheckpoint(loose))
    expect(candidates).toEqual([
      { path: [], tensorCount: 2, byteLength: 16 },
      { path: ["model"], tensorCount: 1, byteLength: 8 },
    ])
    expect((await openCheckpoint(writeCheckpoint(tensor(F32, [2])))).candidates).toEqual([])
  })
})

describe("tensors that safetensors cannot hold", () => {
  it("are refused, or left out and told", async () => {
    const quantized = { ...dtypeNamed("uint8"), torch: "qint8", storageClass: "QInt8Storage" }
    const tensors = new Map([
      ["w", tensor(F32, [3])],
      ["q", tensor(quantized, [4])],
    ])
    const file = writeCheckpoint(tensors)
    const checkpoint = await openCheckpoint(file)
    expect(() => checkpoint.plan()).toThrow(expect.objectContaining({ code: "tensor-unsupported" }))
    const { report } = checkpoint.plan({ unsupported: "skip" })
    expect(report.leftOut.unsupported).toEqual([{ name: "q", reason: "safetensors has no dtype for qint8" }])
    expect(report.tensors.map(({ name }) => name)).toEqual(["w"])
    // Where nothing is left to write, that is an error all the same.
    const none = { unsupported: "skip", include: "q" } as const
    expect(() => checkpoint.plan(none)).toThrow(expect.objectContaining({ code: "tensor-unsupported" }))
    const { bytes } = await toSafetensorsBytes(file, { unsupported: "skip" })
    expect(bytes.length).toBe(report.byteLength)
  })
})
