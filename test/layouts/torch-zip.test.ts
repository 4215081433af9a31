import { describe, expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { readCheckpoint } from "../../src/layouts/table.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import type { CheckpointContents, ReadingOptions } from "../../src/torch/checkpoint-contents.ts"
import { torchArchive } from "../archive/zip-builder.ts"
import { hex, join, latin1, type Part, pickle2, repeat } from "../pickle/assemble.ts"
import { storage, text, vector } from "../torch/legacy-file.ts"
import { asTensor, refusedAsync } from "../torch/support.ts"

type Files = Readonly<Record<string, Uint8Array>>

/** A tensor of two floats over the storage of that key. */
const over = (key: string): Uint8Array => pickle2(vector(storage(key, 2, []), 2))
const DATA = new Uint8Array(8).fill(1)
const NOTHING = new Uint8Array(0)

function read(
  files: Files,
  given: Partial<ReadingOptions> = {},
  limits: Partial<Limits> = {},
): Promise<CheckpointContents> {
  return readCheckpoint(storeOfOne(memorySource(torchArchive(files))), {
    limits: { ...DEFAULT_LIMITS, ...limits },
    crc32,
    signal: undefined,
    byteOrder: undefined,
    ...given,
  })
}

async function codeOf(files: Files, given: Partial<ReadingOptions> = {}): Promise<string> {
  return (await refusedAsync(read(files, given))).code
}

describe("a zip checkpoint", () => {
  it("is a pickle and its storages in one folder, whatever it is called", async () => {
    for (const folder of ["archive", "model", "data.pkl", "0", "__proto__", "ä b"]) {
      const contents = await read({ [`${folder}/data.pkl`]: over("0"), [`${folder}/data/0`]: DATA })
      expect(contents).toMatchObject({ layout: "zip", checksums: "kept" })
      expect(asTensor(contents.value).storage.extent).toMatchObject({
        name: `${folder}/data/0`,
        byteLength: 8,
      })
    }
  })

  it.each<[what: string, files: Files]>([
    ["no pickle", { "a/data/0": DATA }],
    ["a pickle further down", { "a/b/data.pkl": over("0") }],
    ["no folder", { "data.pkl": over("0") }],
    ["two folders", { "a/data.pkl": over("0"), "b/data.pkl": over("0") }],
    ["an empty folder before it", { "b/": NOTHING, "a/data.pkl": over("0"), "a/data/0": DATA }],
    ["an empty folder behind it", { "a/data.pkl": over("0"), "a/data/0": DATA, "A/": NOTHING }],
    ["one file beside the folder", { "a/data.pkl": over("0"), "a/data/0": DATA, readme: DATA }],
  ])("has one folder with data.pkl: %s", async (_, files) => {
    expect(await codeOf(files)).toBe("zip-layout")
  })

  it("may have entries for its folders", async () => {
    const files = {
      "a/": NOTHING,
      "a/data/": NOTHING,
      "a/data.pkl": over("0"),
      "a/data/0": DATA,
      "a/x/": NOTHING,
    }
    expect(await read(files)).toMatchObject({ layout: "zip" })
  })

  it("is told from other archives by name", async () => {
    for (const record of ["constants.pkl", "archive_format"]) {
      expect(await codeOf({ "a/data.pkl": over("0"), [`a/${record}`]: DATA })).toBe("unsupported-layout")
    }
  })
})

describe("storage keys", () => {
  it("are numbers of up to 20 digits", async () => {
    for (const key of ["0", "12", "94267103265104", "18446744073709551615"]) {
      const contents = await read({ "a/data.pkl": over(key), [`a/data/${key}`]: DATA })
      expect(contents.storages.map((found) => found.key)).toEqual([key])
    }
  })

  it.each([
    "",
    "../data.pkl",
    "/etc/passwd",
    "x/../0",
    "0\0",
    "00x",
    " 0",
    "0 ",
    "-1",
    "0x0",
    "٣",
    "__proto__",
    "1".repeat(21),
  ])("%j is none", async (key) => {
    expect(await codeOf({ "a/data.pkl": over(key), "a/data/0": DATA })).toBe("storage-key")
  })

  it.each(["1", "00"])("%j names nothing in the archive", async (key) => {
    expect(await codeOf({ "a/data.pkl": over(key), "a/data/0": DATA })).toBe("storage-key")
  })

  it.each([0, 4, 7, 9, 16])("name as many bytes as the pickle says, not %d", async (length) => {
    expect(await codeOf({ "a/data.pkl": over("0"), "a/data/0": new Uint8Array(length) })).toBe("storage-size")
  })

  it("come with no view", async () => {
    const view: readonly Part[] = ["MARK", text("v"), ["BININT1", 0], ["BININT1", 2], "TUPLE"]
    for (const last of [view, ["NONE"]]) {
      expect(await codeOf({ "a/data.pkl": pickle2(storage("0", 2, last)), "a/data/0": DATA })).toBe(
        "storage-reference",
      )
    }
  })
})

describe("the pickle", () => {
  it("ends where its file does", async () => {
    for (const tail of [hex("00"), pickle2("NONE"), pickle2(["GLOBAL", "os", "system"])]) {
      expect(await codeOf({ "a/data.pkl": join([over("0"), tail]), "a/data/0": DATA })).toBe(
        "pickle-trailing",
      )
    }
  })

  it("names its globals by its own name", async () => {
    const error = await refusedAsync(read({ "a/data.pkl": pickle2(["GLOBAL", "os", "system"]) }))
    expect(error.detail).toMatchObject({ globals: [{ global: "os.system", pickle: "a/data.pkl", at: 2 }] })
  })

  it("is not read when it is larger than maxPickleBytes", async () => {
    const files = { "a/data.pkl": pickle2("MARK", repeat(1000, "NONE"), "TUPLE") }
    const error = await refusedAsync(read(files, {}, { maxPickleBytes: 1000 }))
    expect(error.detail).toMatchObject({ limit: "maxPickleBytes", within: "a/data.pkl" })
  })
})

describe("the byte order", () => {
  const files = (order: string): Files => ({
    "a/data.pkl": over("0"),
    "a/byteorder": latin1(order),
    "a/data/0": DATA,
  })

  it("is what the record says, or the caller", async () => {
    const isSwapped = async (order: string, options?: Partial<ReadingOptions>): Promise<boolean> =>
      asTensor((await read(files(order), options)).value).transform?.swapBytes === true
    expect(await isSwapped("little")).toBe(false)
    expect(await isSwapped("big")).toBe(true)
    expect(await isSwapped("big", { byteOrder: "little" })).toBe(false)
    expect(await isSwapped("?", { byteOrder: "big" })).toBe(true)
  })

  it.each(["", "BIG", "little\n", "middle", "\xff", "l".repeat(100)])("is not %j", async (order) => {
    expect(await codeOf(files(order))).toBe("byte-order")
  })
})
