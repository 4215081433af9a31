import { describe, expect, it } from "vitest"
import type { Limits } from "../../src/limits/limits.ts"
import { PickleDict, type PickleValue } from "../../src/pickle/values.ts"
import { DTYPES, type Dtype, type Tensor } from "../../src/tensors/tensor.ts"
import type { RebuildName } from "../../src/torch/allowed-globals.ts"
import { type Rebuilt, rebuild, unsupportedTensor } from "../../src/torch/rebuild.ts"
import type { StorageReference } from "../../src/torch/torch-tensors.ts"
import { refusal } from "../pickle/run.ts"
import { asTensor, callSite, extentOf, float, known, list, tuple } from "./support.ts"

function dtypeOf(name: string): Dtype {
  const dtype = DTYPES.get(name)
  if (dtype === undefined) throw new Error(`no dtype ${name}`)
  return dtype
}

const FLOAT32 = dtypeOf("float32")
const HOOKS = new PickleDict("OrderedDict")

/** A storage of `elementCount` elements; part of it where an offset is given. */
function storageOf(
  elementCount: number,
  dtype: Dtype | undefined = FLOAT32,
  part: { elementOffset: number; elementCount: number } = { elementOffset: 0, elementCount },
): StorageReference {
  const byteLength = elementCount * (dtype?.itemBytes ?? 1)
  const extent = extentOf("0", byteLength)
  return {
    kind: "object:storage",
    storage: { index: 0, key: "0", byteLength, elementCount, location: "cpu", extent },
    dtype,
    ...part,
  }
}

const untyped = (bytes: number): StorageReference => ({
  ...storageOf(bytes, dtypeOf("uint8")),
  dtype: undefined,
})

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`. */
function v2(
  storage: PickleValue,
  offset: PickleValue,
  size: PickleValue,
  stride: PickleValue,
  ...rest: readonly PickleValue[]
): Tensor {
  return asTensor(call("tensor-v2", [storage, offset, size, stride, false, HOOKS, ...rest]))
}

function call(name: RebuildName, args: readonly PickleValue[], limits: Partial<Limits> = {}): Rebuilt {
  return rebuild(name, tuple(...args), callSite(limits))
}

const codeOf = (action: () => unknown): string => refusal(action).code

describe("a tensor within its storage", () => {
  it("is recorded as it is", () => {
    const storage = storageOf(12)
    expect(v2(storage, 1, tuple(2, 3), tuple(4, 1))).toEqual({
      kind: "object:tensor",
      dtype: FLOAT32,
      shape: [2, 3],
      strides: [4, 1],
      elementCount: 6,
      elementOffset: 1,
      storage: storage.storage,
      transform: undefined,
    })
  })

  it.each<[what: string, count: number, offset: number, size: number[], stride: number[], elements: number]>([
    ["a scalar", 1, 0, [], [], 1],
    ["the last element", 4, 3, [], [], 1],
    ["everything", 12, 0, [3, 4], [4, 1], 12],
    ["transposed", 12, 0, [4, 3], [1, 4], 12],
    ["every third", 10, 0, [4], [3], 4],
    ["expanded", 1, 0, [1000, 1000], [0, 0], 1_000_000],
    ["expanded to 2^53 - 4 bytes", 1, 0, [2 ** 51 - 1], [0], 2 ** 51 - 1],
    ["overlapping", 4, 0, [3, 2], [1, 1], 6],
    ["a huge stride over one element", 1, 0, [1], [2 ** 53 - 1], 1],
    ["empty", 0, 0, [0], [1], 0],
    ["empty, in the middle", 4, 0, [3, 0, 5], [0, 5, 1], 0],
    ["empty, beyond the end: it touches nothing", 4, 9, [0, 3], [3, 1], 0],
  ])("%s", (_, count, offset, size, stride, elements) => {
    const tensor = v2(storageOf(count), offset, tuple(...size), tuple(...stride))
    expect([tensor.shape, tensor.strides, tensor.elementCount]).toEqual([size, stride, elements])
  })

  it("takes sizes as a list, as torch does, and then keeps a copy", () => {
    const size = list(2)
    const tensor = v2(storageOf(4), 0, size, list(1))
    size.items[0] = 1000
    expect(tensor.shape).toEqual([2])
  })

  it("shares the sizes of a tuple: many tensors of one shape take no more memory", () => {
    const size = tuple(...new Array<number>(64).fill(1))
    expect(v2(storageOf(1), 0, size, size).shape).toBe(size.items)
  })

  it("counts what it copies", () => {
    const site = callSite({ maxNodes: 7 })
    const make = () =>
      rebuild("tensor-v2", tuple(storageOf(1), 0, list(1, 1), list(1, 1), false, HOOKS), site)
    make()
    expect(codeOf(make)).toBe("limit-exceeded")
  })
})

describe("a tensor outside its storage", () => {
  it.each<[what: string, count: number, offset: number, size: number[], stride: number[]]>([
    ["one too many", 4, 0, [5], [1]],
    ["one too far", 4, 1, [4], [1]],
    ["the offset alone", 4, 4, [], []],
    ["of an empty storage", 0, 0, [1], [1]],
    ["a stride too long", 12, 0, [3, 4], [5, 1]],
    ["the offset is 2^53 - 1", 4, 2 ** 53 - 1, [1], [1]],
    ["2^32 elements", 4, 0, [2 ** 32], [1]],
  ])("%s", (_, count, offset, size, stride) => {
    expect(codeOf(() => v2(storageOf(count), offset, tuple(...size), tuple(...stride)))).toBe("tensor-bounds")
  })

  it("counts in its own dtype when it sees the storage through another", () => {
    const v3 = (bytes: number, dtype: string, offset: number, size: number) =>
      call("tensor-v3", [untyped(bytes), offset, tuple(size), tuple(1), false, HOOKS, known("torch", dtype)])
    expect(asTensor(v3(16, "int64", 1, 1)).elementOffset).toBe(1)
    expect(asTensor(v3(17, "int64", 0, 2)).elementCount).toBe(2)
    expect(codeOf(() => v3(15, "int64", 0, 2))).toBe("tensor-bounds")
    expect(codeOf(() => v3(16, "int64", 1, 2))).toBe("tensor-bounds")
  })
})

describe("sizes, strides and offsets that are no counts", () => {
  const wrong: readonly (readonly [string, PickleValue])[] = [
    ["-1", -1],
    ["a bool", true],
    ["a float", float(0)],
    ["None", null],
    ["text", "0"],
    ["bytes", Uint8Array.of(0)],
    ["a tuple", tuple(0)],
    ["a dtype", known("torch", "float32")],
  ]

  it.each(wrong)("%s", (_, value) => {
    expect(codeOf(() => v2(storageOf(4), value, tuple(1), tuple(1)))).toBe("tensor-argument")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(value), tuple(1)))).toBe("tensor-argument")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(1), tuple(value)))).toBe("tensor-argument")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(1), list(value)))).toBe("tensor-argument")
  })

  it("negatives whose product is positive", () => {
    expect(codeOf(() => v2(storageOf(4), 0, tuple(-2, -2), tuple(2, 1)))).toBe("tensor-argument")
  })

  it.each([2n ** 53n, 2n ** 63n, 2n ** 64n, -(2n ** 63n)])("%d is beyond every tensor", (value) => {
    expect(codeOf(() => v2(storageOf(4), value, tuple(1), tuple(1)))).toBe("tensor-overflow")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(value), tuple(0)))).toBe("tensor-overflow")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(1), tuple(value)))).toBe("tensor-overflow")
  })

  it.each<[what: string, size: number[], stride: number[]]>([
    ["a product of 2^60", [2 ** 30, 2 ** 30], [0, 0]],
    ["a product that wraps to 0 in 64 bits", [2 ** 32, 2 ** 32], [0, 0]],
    ["a product of 2^53", [2 ** 27, 2 ** 26], [0, 0]],
    ["a product that a zero hides", [2 ** 40, 2 ** 40, 0], [0, 0, 0]],
    ["a zero first", [0, 2 ** 40, 2 ** 40], [0, 0, 0]],
    ["a reach past 2^53", [3], [2 ** 52]],
    ["a sum of reaches past 2^53", [2, 2, 2], [2 ** 52, 2 ** 52, 2 ** 52]],
  ])("%s", (_, size, stride) => {
    expect(codeOf(() => v2(storageOf(4), 0, tuple(...size), tuple(...stride)))).toBe("tensor-overflow")
  })

  it("the sum of offset and reach past 2^53", () => {
    expect(codeOf(() => v2(storageOf(4), 2 ** 53 - 1, tuple(2), tuple(1)))).toBe("tensor-overflow")
  })

  it.each<[what: string, value: PickleValue]>([
    ["a number", 1],
    ["text", "11"],
    ["None", null],
    ["a dict", new PickleDict()],
  ])("%s for a tuple", (_, value) => {
    expect(codeOf(() => v2(storageOf(4), 0, value, tuple(1)))).toBe("tensor-argument")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(1), value))).toBe("tensor-argument")
  })

  it("one size without a stride", () => {
    expect(codeOf(() => v2(storageOf(4), 0, tuple(2, 2), tuple(2)))).toBe("tensor-argument")
    expect(codeOf(() => v2(storageOf(4), 0, tuple(), tuple(1)))).toBe("tensor-argument")
  })

  it("64 dimensions are taken, 65 are not", () => {
    const ones = (count: number) => tuple(...new Array<number>(count).fill(1))
    expect(v2(storageOf(1), 0, ones(64), ones(64)).shape).toHaveLength(64)
    expect(codeOf(() => v2(storageOf(1), 0, ones(65), ones(65)))).toBe("limit-exceeded")
    expect(codeOf(() => v2(storageOf(1), 0, ones(1), ones(65)))).toBe("limit-exceeded")
  })
})

describe("what a tensor is rebuilt from", () => {
  it.each<[string, PickleValue]>([
    ["None", null],
    ["a tensor", v2(storageOf(1), 0, tuple(), tuple())],
    ["a storage class", known("torch", "FloatStorage")],
    ["a dict", new PickleDict()],
    ["text", "0"],
  ])("%s is no storage", (_, value) => {
    expect(codeOf(() => v2(value, 0, tuple(), tuple()))).toBe("tensor-argument")
  })

  it.each<[name: RebuildName, least: number, most: number]>([
    ["tensor", 4, 4],
    ["tensor-v2", 6, 7],
    ["tensor-v3", 7, 8],
    ["parameter", 3, 3],
    ["parameter-with-state", 4, 4],
    ["from-type", 4, 4],
  ])("%s takes %d to %d arguments", (name, least, most) => {
    for (const count of [0, least - 1, most + 1]) {
      expect(codeOf(() => call(name, new Array<PickleValue>(count).fill(null)))).toBe("tensor-argument")
    }
  })

  it("needs a dtype: of the storage or of its own", () => {
    expect(codeOf(() => v2(untyped(4), 0, tuple(1), tuple(1)))).toBe("storage-dtype")
    for (const dtype of [
      null,
      "float32",
      FLOAT32.name,
      known("torch", "FloatStorage"),
      known("torch", "Tensor"),
    ]) {
      const args = [untyped(4), 0, tuple(1), tuple(1), false, HOOKS, dtype]
      expect(codeOf(() => call("tensor-v3", args))).toBe("tensor-argument")
    }
  })

  it("lets the first version of the function take its dtype from the storage", () => {
    const tensor = asTensor(call("tensor", [storageOf(4, dtypeOf("int16")), 1, tuple(2), tuple(1)]))
    expect([tensor.dtype.name, tensor.elementOffset]).toEqual(["int16", 1])
  })
})

describe("a part of a storage", () => {
  it("is counted from the storage's beginning", () => {
    const part = storageOf(10, FLOAT32, { elementOffset: 4, elementCount: 3 })
    expect(v2(part, 1, tuple(2), tuple(1)).elementOffset).toBe(5)
    expect(codeOf(() => v2(part, 2, tuple(2), tuple(1)))).toBe("tensor-bounds")
  })

  it("cannot be seen through a dtype that it cuts", () => {
    const part = { ...untyped(16), elementOffset: 4, elementCount: 8 }
    const v3 = (dtype: string) =>
      call("tensor-v3", [part, 0, tuple(1), tuple(1), false, HOOKS, known("torch", dtype)])
    expect(asTensor(v3("float32")).elementOffset).toBe(1)
    expect(codeOf(() => v3("float64"))).toBe("tensor-argument")
  })
})

describe("metadata", () => {
  function withMetadata(dtype: string, ...entries: readonly (readonly [PickleValue, PickleValue])[]): Tensor {
    const metadata = new PickleDict()
    for (const [key, value] of entries) metadata.set(key, value)
    return v2(storageOf(4, dtypeOf(dtype)), 0, tuple(2), tuple(1), metadata)
  }

  it("is the conj and the neg bit", () => {
    const negated = ({ transform }: Tensor) => transform?.negate
    expect(negated(withMetadata("complex64", ["conj", true], ["neg", true]))).toBe("real")
    expect(negated(withMetadata("complex64", ["conj", true]))).toBe("imaginary")
    expect(negated(withMetadata("float32", ["neg", true]))).toBe("all")
    expect(withMetadata("float32").transform).toBe(undefined)
    expect(v2(storageOf(4), 0, tuple(2), tuple(1), null).transform).toBe(undefined)
  })

  it("is read by the third version of the function too", () => {
    const conj = new PickleDict()
    conj.set("conj", true)
    const args = [untyped(8), 0, tuple(1), tuple(1), false, HOOKS, known("torch", "complex64"), conj]
    expect(asTensor(call("tensor-v3", args)).transform?.negate).toBe("imaginary")
  })

  it.each<[what: string, key: PickleValue, value: PickleValue]>([
    ["an unknown key", "python_dispatch", true],
    ["a key of a prototype", "__proto__", true],
    ["a key that is no text", 1, true],
    ["a bit that is an integer", "conj", 1],
    ["a bit that is None", "neg", null],
    ["a bit that is False, which torch sets all the same", "neg", false],
    ["the conj bit of a real tensor", "conj", true],
  ])("%s is refused", (_, key, value) => {
    expect(codeOf(() => withMetadata("float32", [key, value]))).toBe("tensor-metadata")
  })

  it.each(["bool", "qint8", "float8_e5m2", "bits8"])("the neg bit of %s is refused", (dtype) => {
    expect(codeOf(() => withMetadata(dtype, ["neg", true]))).toBe("tensor-metadata")
  })

  it.each<[string, PickleValue]>([
    ["a list", list()],
    ["a tuple", tuple("conj", true)],
    ["True", true],
    ["text", "conj"],
  ])("%s is no metadata", (_, value) => {
    expect(codeOf(() => v2(storageOf(4), 0, tuple(1), tuple(1), value))).toBe("tensor-metadata")
  })
})

describe("parameters", () => {
  const data = v2(storageOf(4), 0, tuple(2), tuple(1))
  const odd = unsupportedTensor("a sparse tensor")

  it("are their tensors", () => {
    expect(call("parameter", [data, true, HOOKS])).toBe(data)
    expect(call("parameter", [odd, true, HOOKS])).toBe(odd)
    expect(call("parameter-with-state", [data, true, HOOKS, new PickleDict()])).toBe(data)
  })

  it.each<[string, PickleValue]>([
    ["None", null],
    ["a storage", storageOf(1)],
    ["a dict", new PickleDict()],
  ])("of %s are refused", (_, value) => {
    expect(codeOf(() => call("parameter", [value, true, HOOKS]))).toBe("tensor-argument")
    expect(codeOf(() => call("parameter-with-state", [value, true, HOOKS, null]))).toBe("tensor-argument")
  })
})

describe("_rebuild_from_type_v2", () => {
  const inner = tuple(storageOf(4), 0, tuple(2), tuple(1), false, HOOKS)
  const tensorClass = known("torch", "Tensor")
  const state = new PickleDict()
  const from = (...args: readonly PickleValue[]) => call("from-type", args)
  const fn = (name: string) => known("torch._utils", name)

  it("is the tensor, without its state", () => {
    for (const type of [
      tensorClass,
      known("torch.nn.parameter", "Parameter"),
      known("torch.nn.parameter", "Buffer"),
    ]) {
      expect(asTensor(from(fn("_rebuild_tensor_v2"), type, inner, state)).shape).toEqual([2])
    }
  })

  it("may wrap a parameter and whatever cannot be converted", () => {
    const data = asTensor(from(fn("_rebuild_tensor_v2"), tensorClass, inner, state))
    expect(from(fn("_rebuild_parameter"), tensorClass, tuple(data, true, HOOKS), state)).toBe(data)
    expect(from(fn("_rebuild_sparse_tensor"), tensorClass, tuple(), state)).toEqual(
      unsupportedTensor("a sparse tensor"),
    )
  })

  it.each<[what: string, func: PickleValue]>([
    ["itself", known("torch._tensor", "_rebuild_from_type_v2")],
    ["OrderedDict", known("collections", "OrderedDict")],
    ["bytearray", known("builtins", "bytearray")],
    ["a storage class", known("torch", "FloatStorage")],
    ["a dtype", known("torch", "float32")],
    ["a tensor class", tensorClass],
    ["text", "_rebuild_tensor_v2"],
    ["None", null],
  ])("does not apply %s", (_, func) => {
    expect(codeOf(() => from(func, tensorClass, inner, state))).toBe("tensor-argument")
  })

  it.each<[what: string, type: PickleValue]>([
    ["OrderedDict", known("collections", "OrderedDict")],
    ["a storage class", known("torch", "FloatStorage")],
    ["text", "torch.Tensor"],
    ["None", null],
  ])("makes no %s", (_, type) => {
    expect(codeOf(() => from(fn("_rebuild_tensor_v2"), type, inner, state))).toBe("tensor-argument")
  })

  it("needs a tuple of arguments", () => {
    for (const args of [list(...inner.items), null, storageOf(4)]) {
      expect(codeOf(() => from(fn("_rebuild_tensor_v2"), tensorClass, args, state))).toBe("tensor-argument")
    }
  })
})
