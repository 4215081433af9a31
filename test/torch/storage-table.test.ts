import { describe, expect, it } from "vitest"
import type { PickleValue } from "../../src/pickle/values.ts"
import { LEGACY_FIELDS, StorageTable, ZIP_FIELDS } from "../../src/torch/storage-table.ts"
import type { StorageReference } from "../../src/torch/torch-tensors.ts"
import { refusal } from "../pickle/run.ts"
import { anyStorage, callSite, extentOf, float, known, list, tuple } from "./support.ts"

const FLOAT = known("torch", "FloatStorage")
const UNTYPED = known("torch.storage", "UntypedStorage")

/** `('storage', FloatStorage, '0', 'cpu', 4)` with some fields replaced. */
function idOf(
  fields: Partial<Record<"tag" | "type" | "key" | "location" | "count", PickleValue>> = {},
): PickleValue {
  const { tag = "storage", type = FLOAT, key = "0", location = "cpu", count = 4 } = fields
  return tuple(tag, type, key, location, count)
}

function withView(view: PickleValue, count = 10): PickleValue {
  return tuple("storage", FLOAT, "0", "cpu", count, view)
}

function refer(id: PickleValue, table: StorageTable = anyStorage(), viewsAllowed = false): StorageReference {
  return table.refer(id, callSite(), viewsAllowed ? LEGACY_FIELDS : ZIP_FIELDS)
}

const codeOf = (id: PickleValue, table?: StorageTable, viewsAllowed?: boolean): string =>
  refusal(() => refer(id, table, viewsAllowed)).code

describe("a persistent id", () => {
  it("refers to a storage", () => {
    expect(refer(idOf({ location: "cuda:1" }))).toEqual({
      kind: "object:storage",
      storage: {
        index: 0,
        key: "0",
        byteLength: 16,
        elementCount: 4,
        location: "cuda:1",
        extent: extentOf("0", 16),
      },
      dtype: FLOAT.meaning.is === "storage-class" ? FLOAT.meaning.dtype : undefined,
      elementOffset: 0,
      elementCount: 4,
    })
  })

  it("counts bytes when it is untyped", () => {
    const { storage, dtype } = refer(idOf({ type: UNTYPED, count: 5 }))
    expect([storage.byteLength, storage.elementCount, dtype]).toEqual([5, 5, undefined])
  })

  it.each<[string, PickleValue]>([
    ["a list", list("storage", FLOAT, "0", "cpu", 4)],
    ["text", "storage"],
    ["None", null],
    ["an integer", 0],
    ["an empty tuple", tuple()],
    ["three fields", tuple("storage", FLOAT, "0")],
    ["four fields", tuple("storage", FLOAT, "0", "cpu")],
    ["six fields", tuple("storage", FLOAT, "0", "cpu", 4, null)],
    ["seven fields", tuple("storage", FLOAT, "0", "cpu", 4, null, null)],
    ["the tag module", idOf({ tag: "module" })],
    ["the tag Storage", idOf({ tag: "Storage" })],
    ["no text as its tag", idOf({ tag: 1 })],
    ["an integer as its key", idOf({ key: 0 })],
    ["bytes as its key", idOf({ key: Uint8Array.of(48) })],
    ["None as its location", idOf({ location: null })],
  ])("%s is refused", (_, id) => {
    expect(codeOf(id)).toBe("storage-reference")
  })

  it.each<[string, PickleValue]>([
    ["a dtype", known("torch", "float32")],
    ["a tensor class", known("torch", "Tensor")],
    ["a rebuild function", known("torch._utils", "_rebuild_tensor_v2")],
    ["TypedStorage", known("torch.storage", "TypedStorage")],
    ["OrderedDict", known("collections", "OrderedDict")],
    ["text", "FloatStorage"],
    ["None", null],
  ])("%s is no storage class", (_, type) => {
    expect(codeOf(idOf({ type }))).toBe("storage-dtype")
  })

  it.each<[string, PickleValue]>([
    ["a float", float(4)],
    ["a bool", true],
    ["None", null],
    ["text", "4"],
    ["-1", -1],
    ["2^62", 2n ** 62n],
    ["2^64 + 4", 2n ** 64n + 4n],
    ["a number of bytes above 2^53", 2 ** 52],
  ])("%s is no number of elements", (_, count) => {
    expect(codeOf(idOf({ count }))).toBe("storage-size")
  })

  it("may be empty", () => {
    expect(refer(idOf({ count: 0 })).storage.byteLength).toBe(0)
  })
})

describe("storages", () => {
  it("are found once, in the order in which they are named", () => {
    const found: unknown[] = []
    const table = new StorageTable((mention, { at }) => {
      found.push([mention.key, mention.byteLength, at])
      return extentOf(mention.key, mention.byteLength)
    })
    for (const key of ["b", "a", "b", "__proto__", "a"]) refer(idOf({ key }), table)
    expect(found).toEqual([
      ["b", 16, 7],
      ["a", 16, 7],
      ["__proto__", 16, 7],
    ])
    expect(table.storages().map(({ key }) => key)).toEqual(["b", "a", "__proto__"])
  })

  it("are found again whether their keys count up from 0 or not", () => {
    const table = anyStorage()
    const keys = ["0", "1", "3", "2", "00", "01", "4", "94318416"]
    const named = keys.map((key) => refer(idOf({ key }), table).storage)
    expect(keys.map((key) => refer(idOf({ key }), table).storage)).toEqual(named)
    expect(new Set(named).size).toBe(keys.length)
    expect(table.storages()).toEqual(named)
    expect(table.storages().map(({ key, index }) => [key, index])).toEqual(keys.map((key, i) => [key, i]))
  })

  it("are one object, however they are seen", () => {
    const table = anyStorage()
    const first = refer(idOf(), table)
    expect(refer(idOf(), table)).toBe(first)
    const bytes = refer(idOf({ type: UNTYPED, count: 16 }), table)
    expect(bytes.storage).toBe(first.storage)
    expect([bytes.dtype, bytes.elementCount]).toEqual([undefined, 16])
    expect(table.storages()).toEqual([first.storage])
  })

  it("are forgotten when they could not be found", () => {
    let calls = 0
    const table = new StorageTable(() => {
      calls += 1
      throw new RangeError("not there")
    })
    expect(() => refer(idOf(), table)).toThrow(RangeError)
    expect(() => refer(idOf(), table)).toThrow(RangeError)
    expect([calls, table.storages()]).toEqual([2, []])
  })

  it.each<[what: string, first: PickleValue, second: PickleValue]>([
    ["in dtypes of one width", idOf(), idOf({ type: known("torch", "IntStorage") })],
    ["in dtypes of two widths", idOf(), idOf({ type: known("torch", "DoubleStorage"), count: 2 })],
    ["in sizes", idOf(), idOf({ count: 5 })],
    ["in bytes", idOf(), idOf({ type: UNTYPED, count: 15 })],
    ["in counts of bytes and elements", idOf({ type: UNTYPED, count: 4 }), idOf()],
  ])("cannot differ %s", (_, first, second) => {
    const table = anyStorage()
    refer(first, table)
    expect(codeOf(second, table)).toBe("storage-conflict")
  })

  it("cannot have two dtypes after a mention without one", () => {
    const table = anyStorage()
    refer(idOf(), table)
    refer(idOf({ type: UNTYPED, count: 16 }), table)
    expect(codeOf(idOf({ type: known("torch", "IntStorage") }), table)).toBe("storage-conflict")
  })

  it("that are met untyped are bytes to torch, and may be called that and nothing else", () => {
    const table = anyStorage()
    refer(idOf({ type: UNTYPED, count: 16 }), table)
    refer(idOf({ type: known("torch", "ByteStorage"), count: 16 }), table)
    for (const name of ["CharStorage", "BoolStorage"]) {
      const other = anyStorage()
      refer(idOf({ type: UNTYPED, count: 16 }), other)
      expect(codeOf(idOf({ type: known("torch", name), count: 16 }), other)).toBe("storage-conflict")
    }
  })

  it("are the same on every device", () => {
    const table = anyStorage()
    const first = refer(idOf(), table)
    expect(refer(idOf({ type: known("torch.cuda", "FloatStorage"), location: "cuda:0" }), table)).toBe(first)
  })
})

describe("a storage on meta", () => {
  it("lies there for every mention", () => {
    const table = anyStorage()
    expect(refer(idOf({ location: "meta" }), table).storage.location).toBe("meta")
    expect(refer(idOf({ location: "meta" }), table).storage.location).toBe("meta")
    expect(codeOf(idOf({ location: "cpu" }), table)).toBe("storage-conflict")
    expect(refer(idOf({ key: "1", location: "cpu" }), table).storage.location).toBe("cpu")
    expect(codeOf(idOf({ key: "1", location: "meta" }), table)).toBe("storage-conflict")
  })
})

describe("views of storages", () => {
  it("are parts of them", () => {
    const table = anyStorage()
    const part = refer(withView(tuple("v", 4, 6)), table, true)
    expect([part.elementOffset, part.elementCount, part.storage.byteLength]).toEqual([4, 6, 40])
    const whole = refer(withView(null), table, true)
    expect([whole.elementOffset, whole.elementCount]).toEqual([0, 10])
    expect(whole.storage).toBe(part.storage)
    expect(refer(withView(tuple("empty", 10, 0)), table, true).elementCount).toBe(0)
  })

  it("say the same whenever their key comes up, since torch keeps the first", () => {
    const table = anyStorage()
    const part = refer(withView(tuple("v", 4, 6)), table, true)
    expect(refer(withView(tuple("v", 4, 6)), table, true)).toEqual(part)
    for (const id of [
      withView(tuple("v", 4, 5)),
      withView(tuple("v", 3, 6)),
      tuple("storage", FLOAT, "1", "cpu", 10, tuple("v", 4, 6)),
      tuple("storage", known("torch", "UntypedStorage"), "0", "cpu", 40, tuple("v", 4, 6)),
    ]) {
      expect(codeOf(id, table, true)).toBe("storage-conflict")
    }
  })

  it("have no key that is a storage's", () => {
    const table = anyStorage()
    expect(codeOf(withView(tuple("0", 4, 6)), table, true)).toBe("storage-conflict")
    refer(withView(tuple("v", 4, 6)), table, true)
    expect(codeOf(tuple("storage", FLOAT, "v", "cpu", 10, null), table, true)).toBe("storage-conflict")
    expect(codeOf(withView(tuple(1, 4, 6)), table, true)).toBe("storage-reference")
  })

  it.each<[string, PickleValue]>([
    ["a list", list("v", 0, 1)],
    ["two fields", tuple("v", 0)],
    ["four fields", tuple("v", 0, 1, 2)],
    ["text", "v"],
    ["False", false],
  ])("%s is no view", (_, view) => {
    expect(codeOf(withView(view), anyStorage(), true)).toBe("storage-reference")
  })

  it.each<[string, PickleValue, PickleValue]>([
    ["ends too late", 5, 6],
    ["begins too late", 11, 0],
    ["begins before", -1, 2],
    ["has fewer than none", 2, -1],
    ["begins at a float", float(0), 1],
    ["begins at True", true, 1],
    ["has 2^63 elements", 0, 2n ** 63n],
    ["wraps", 2 ** 53 - 1, 2 ** 53 - 1],
  ])("one that %s is refused", (_, offset, count) => {
    expect(codeOf(withView(tuple("v", offset, count)), anyStorage(), true)).toBe("tensor-bounds")
  })
})
