import { describe, expect, it } from "vitest"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { readCheckpoint } from "../../src/layouts/table.ts"
import { LEGACY_MAGIC } from "../../src/layouts/torch-legacy/legacy-layout.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { PickleDict } from "../../src/pickle/values.ts"
import type { Tensor } from "../../src/tensors/tensor.ts"
import type { CheckpointContents, ReadingOptions } from "../../src/torch/checkpoint-contents.ts"
import { hex, join, type Part, pickle2, pickle5 } from "../pickle/assemble.ts"
import {
  keyList,
  type LegacyParts,
  legacyFile,
  storage,
  systemInfo,
  text,
  vector,
} from "../torch/legacy-file.ts"
import { asTensor, refusedAsync } from "../torch/support.ts"

const SYSTEM: readonly Part[] = [["GLOBAL", "os", "system"], text("ls"), "TUPLE1", "REDUCE"]

function read(
  bytes: Uint8Array,
  given: Partial<ReadingOptions> = {},
  limits: Partial<Limits> = {},
): Promise<CheckpointContents> {
  return readCheckpoint(storeOfOne(memorySource(bytes)), {
    limits: { ...DEFAULT_LIMITS, ...limits },
    crc32: () => 0,
    signal: undefined,
    byteOrder: undefined,
    ...given,
  })
}

async function codeOf(parts: Partial<LegacyParts>, given: Partial<ReadingOptions> = {}): Promise<string> {
  return (await refusedAsync(read(legacyFile(parts), given))).code
}

function tensorOf(contents: CheckpointContents, key: string): Tensor {
  const value = contents.value instanceof PickleDict ? contents.value.get(key) : undefined
  return asTensor(value ?? null)
}

describe("a legacy file", () => {
  it("is five pickles and the storages", async () => {
    const bytes = legacyFile()
    const contents = await read(bytes)
    expect(contents).toMatchObject({ layout: "legacy", checksums: "none" })
    expect(contents.globals.map(({ module, name }) => `${module}.${name}`)).toEqual([
      "torch._utils._rebuild_tensor_v2",
      "torch.FloatStorage",
      "collections.OrderedDict",
    ])
    const [seven, eight] = contents.storages.map(({ key, extent }) => [key, extent.offset, extent.byteLength])
    expect(seven).toEqual(["7", bytes.length - 12 - 8 - 8, 8])
    expect(eight).toEqual(["8", bytes.length - 12, 12])
    expect(tensorOf(contents, "b")).toMatchObject({
      shape: [2],
      elementOffset: 1,
      storage: { key: "8" },
    })
  })

  it("lists storages in the order of the keys, whatever the order of the object", async () => {
    const contents = await read(
      legacyFile({
        keys: keyList("8", "7"),
        storages: [
          [3, new Uint8Array(12).fill(2)],
          [2, new Uint8Array(8).fill(1)],
        ],
      }),
    )
    const offsets = new Map(contents.storages.map(({ key, extent }) => [key, extent.offset]))
    expect((offsets.get("7") ?? 0) - (offsets.get("8") ?? 0)).toBe(12 + 8)
  })

  it("may have any text for a key", async () => {
    for (const key of ["__proto__", "", "../x", "94267103265104", "\0"]) {
      const object = pickle2("EMPTY_DICT", text("a"), vector(storage(key, 2), 2), "SETITEM")
      const contents = await read(
        legacyFile({ object, keys: keyList(key), storages: [[2, new Uint8Array(8)]] }),
      )
      expect(contents.storages.map((found) => found.key)).toEqual([key])
    }
  })

  it("may hold no storage at all, or empty ones", async () => {
    const none = legacyFile({ object: pickle2("EMPTY_DICT"), keys: keyList(), storages: [] })
    expect((await read(none)).storages).toEqual([])
    const object = pickle2("EMPTY_DICT", text("a"), vector(storage("7", 0), 0), "SETITEM")
    const empty = await read(legacyFile({ object, keys: keyList("7"), storages: [[0, hex("")]] }))
    expect(empty.storages.map(({ byteLength }) => byteLength)).toEqual([0])
  })

  it("may hold views of storages, as torch 0.1 to 0.3 wrote them", async () => {
    const part = storage("7", 4, ["MARK", text("v"), ["BININT1", 1], ["BININT1", 3], "TUPLE"])
    const object = pickle2("EMPTY_DICT", text("a"), vector(part, 2, 1), "SETITEM")
    const contents = await read(
      legacyFile({ object, keys: keyList("7"), storages: [[4, new Uint8Array(16)]] }),
    )
    expect(tensorOf(contents, "a")).toMatchObject({ elementOffset: 2, storage: { byteLength: 16 } })
    const outside = storage("7", 4, ["MARK", text("v"), ["BININT1", 2], ["BININT1", 3], "TUPLE"])
    expect(await codeOf({ object: pickle2(vector(outside, 1)) })).toBe("tensor-bounds")
    const beyond = pickle2(vector(part, 3, 1))
    expect(await codeOf({ object: beyond })).toBe("tensor-bounds")
  })
})

describe("the head", () => {
  it("is held against the magic number and the version", async () => {
    expect(LEGACY_MAGIC).toBe(0x1950a86a20f9469cfc6cn)
    expect(await codeOf({ version: pickle2(["BININT2", 1002]) })).toBe("legacy-layout")
    expect(await codeOf({ version: pickle2(["BINFLOAT", 1001]) })).toBe("legacy-layout")
    expect(await codeOf({ version: pickle2(text("1001")) })).toBe("legacy-layout")
  })

  it.each<[what: string, info: Uint8Array]>([
    ["says big", systemInfo("NEWFALSE")],
    ["says 1", systemInfo(["BININT1", 1])],
    ["says little in text", systemInfo(text("little"))],
    ["says nothing", pickle2("EMPTY_DICT")],
    ["is no dict", pickle2("NONE")],
    ["is a list", pickle2("EMPTY_LIST")],
  ])("needs the caller's word on the byte order when it %s", async (_, info) => {
    expect(await codeOf({ info })).toBe("byte-order")
    for (const byteOrder of ["little", "big"] as const) {
      const { transform } = tensorOf(await read(legacyFile({ info }), { byteOrder }), "b")
      expect(transform?.swapBytes === true).toBe(byteOrder === "big")
    }
  })

  it("may not refer to storages, nor may the keys", async () => {
    const reference = pickle2(storage("7", 2))
    expect(await codeOf({ info: reference })).toBe("storage-reference")
    expect(await codeOf({ version: reference })).toBe("storage-reference")
    expect(await codeOf({ keys: reference })).toBe("storage-reference")
  })
})

describe("a global that is refused", () => {
  it.each<[slot: keyof LegacyParts, pickle: string]>([
    ["version", "protocol version pickle"],
    ["info", "system info pickle"],
    ["object", "object pickle"],
    ["keys", "storage keys pickle"],
  ])("is found in %s, with or without the caller's byte order", async (slot, pickle) => {
    for (const byteOrder of [undefined, "little"] as const) {
      const error = await refusedAsync(read(legacyFile({ [slot]: pickle2(...SYSTEM) }), { byteOrder }))
      expect(error.code).toBe("global-not-allowed")
      expect(error.detail).toMatchObject({ globals: [{ global: "os.system", pickle, use: "called" }] })
    }
  })

  it("is named although the pickle is broken behind it", async () => {
    for (const tail of ["ff", "58 ff ff ff ff", "30"]) {
      const object = join([pickle2(...SYSTEM).subarray(0, -1), hex(tail)])
      expect(await codeOf({ object, keys: hex(""), storages: [] })).toBe("global-not-allowed")
    }
  })

  it("stands at its byte in the file", async () => {
    const bytes = legacyFile({ object: pickle2(...SYSTEM) })
    const at = Buffer.from(bytes).indexOf("cos\nsystem")
    expect((await refusedAsync(read(bytes))).detail).toMatchObject({ globals: [{ at }] })
  })
})

describe("broken pickles", () => {
  it.each<[what: string, code: string, object: Uint8Array]>([
    ["a byte that is no opcode", "pickle-opcode", hex("80 02 ff 2e")],
    ["a refused opcode", "pickle-opcode", pickle2("NONE", "DUP", "TUPLE2")],
    ["bad text", "pickle-text", hex("80 02 58 01 00 00 00 ff 2e")],
    ["two values", "pickle-stack", pickle2("NONE", "NONE")],
    ["protocol 6", "pickle-protocol", hex("80 06 4e 2e")],
    ["a tensor beyond its storage", "tensor-bounds", pickle2(vector(storage("7", 2), 3))],
    [
      "a persistent id of a module",
      "storage-reference",
      pickle2(text("module"), ["GLOBAL", "torch", "Tensor"], text("f.py"), "TUPLE3", "BINPERSID"),
    ],
  ])("%s", async (_, code, object) => {
    expect(await codeOf({ object })).toBe(code)
  })

  it("say so when the file ends within them", async () => {
    const whole = legacyFile()
    for (const length of [20, 30, 100, 300]) {
      const error = await refusedAsync(read(whole.subarray(0, length)))
      expect(error.code).toBe("pickle-truncated")
    }
  })

  it("share one budget of opcodes", async () => {
    const opcodes = 400
    const nones = (count: number) => pickle5("MARK", ...new Array<Part>(count - 4).fill("NONE"), "TUPLE")
    const file = legacyFile({ info: nones(opcodes), object: nones(opcodes) })
    const error = await refusedAsync(read(file, { byteOrder: "little" }, { maxOpcodes: 2 * opcodes }))
    expect(error.detail).toMatchObject({ limit: "maxOpcodes", within: "object pickle" })
  })
})

describe("the list of keys", () => {
  it.each<[what: string, keys: Uint8Array]>([
    ["lacks one", keyList("7")],
    ["is empty", keyList()],
    ["has one too many", keyList("7", "8", "9")],
    ["has one twice", keyList("7", "7", "8")],
    ["has one twice for another", keyList("7", "7")],
    ["has another", keyList("7", "9")],
    ["has an inherited name", keyList("7", "8", "__proto__")],
    ["has an integer", pickle2("EMPTY_LIST", "MARK", ["BININT1", 7], text("8"), "APPENDS")],
    ["has bytes", pickle5("EMPTY_LIST", "MARK", ["SHORT_BINBYTES", "7"], text("8"), "APPENDS")],
    ["has a list", pickle2("EMPTY_LIST", "MARK", "EMPTY_LIST", text("8"), "APPENDS")],
    ["is a tuple", pickle2(text("7"), text("8"), "TUPLE2")],
    ["is text", pickle2(text("78"))],
    ["is a dict", pickle2("EMPTY_DICT", "MARK", text("7"), "NONE", text("8"), "NONE", "SETITEMS")],
    ["is None", pickle2("NONE")],
    ["contains itself", pickle2("EMPTY_LIST", ["BINPUT", 0], ["BINGET", 0], "APPEND")],
  ])("is refused when it %s", async (_, keys) => {
    expect(await codeOf({ keys })).toBe("legacy-layout")
  })
})

describe("the storages", () => {
  const seven = [2, new Uint8Array(8)] as const

  it.each<[what: string, count: number | bigint]>([
    ["one less", 2],
    ["one more", 4],
    ["none", 0],
    ["-1", -1],
    ["2^61", 2n ** 61n],
    ["3 and 2^32", 2n ** 32n + 3n],
    ["the number of bytes", 12],
  ])("must have as many elements as the pickle says: %s", async (_, count) => {
    expect(await codeOf({ storages: [seven, [count, new Uint8Array(12)]] })).toBe("storage-size")
  })

  it("must be there, to the last byte", async () => {
    const cases: readonly LegacyParts["storages"][] = [
      [],
      [seven],
      [seven, [3, new Uint8Array(11)]],
      [seven, [3, hex("")]],
    ]
    for (const storages of cases) expect(await codeOf({ storages })).toBe("truncated")
  })

  it("must be the last thing in the file", async () => {
    for (const tail of [1, 8, 4096]) {
      expect(await codeOf({ storages: [seven, [3, new Uint8Array(12 + tail)]] })).toBe("legacy-trailing")
    }
  })

  it("are not read, whatever size they are said to have", async () => {
    const object = pickle2(vector(storage("7", 2 ** 50), 1))
    expect(await codeOf({ object, keys: keyList("7"), storages: [seven] })).toBe("truncated")
    const more = pickle2(vector(storage("7", 2 ** 52), 1))
    expect(await codeOf({ object: more, keys: keyList("7"), storages: [seven] })).toBe("storage-size")
  })
})
