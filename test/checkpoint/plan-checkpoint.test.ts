import { describe, expect, it } from "vitest"
import { parseSafetensorsHeader } from "../../src/index.ts"
import { headerBytes } from "../../src/safetensors/write-header.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { noise, tensor } from "../property/model.ts"
import { dict, namesOf, pair, planFor } from "./contents.ts"

const F32 = dtypeNamed("float32")
const U8 = dtypeNamed("uint8")
const MiB = 1024 * 1024

describe("limits", () => {
  it("stop one byte from filling a disk by stride 0", async () => {
    const wide = tensor(U8, [1024, 1024, 1024, 1024], { strides: [0, 0, 0, 0] })
    await expect(planFor(dict({ wide }))).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "outputFloorBytes", within: "output" },
    })
  })

  it("stop 4,000 names of one large view", async () => {
    const storage = { key: "0", dtype: U8, bytes: noise(100_000, 1) }
    const views = new Map(
      Array.from({ length: 4000 }, (_, i) => [`v${i}`, tensor(U8, [100_000 - i], { storage })] as const),
    )
    await expect(planFor(views)).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "outputFloorBytes" },
    })
    const aliases = new Map(
      Array.from(views.keys(), (name) => [name, tensor(U8, [100_000], { storage })] as const),
    )
    expect((await planFor(aliases)).report.aliases.length).toBe(3999)
    await expect(planFor(aliases, { shared: "copy" })).rejects.toMatchObject({ code: "limit-exceeded" })
  })

  it("pass what is exactly allowed, and not a byte more", async () => {
    const value = dict({ w: tensor(U8, [5000], { strides: [0] }) })
    const { byteLength } = await planFor(value)
    const at = (outputFloorBytes: number): Promise<unknown> =>
      planFor(value, {}, { outputFloorBytes, outputRatio: 0 })
    await expect(at(byteLength)).resolves.toBeDefined()
    await expect(at(byteLength - 1)).rejects.toMatchObject({
      detail: { allowed: byteLength - 1, wanted: byteLength },
    })
  })

  it("hold for names and headers", async () => {
    const long = dict({ ["n".repeat(300)]: pair() })
    for (const limit of ["maxNameBytes", "maxTotalNameBytes", "maxHeaderBytes", "maxTensors"] as const) {
      const wanted = limit === "maxTensors" ? 0 : 299
      await expect(planFor(long, {}, { [limit]: wanted })).rejects.toMatchObject({
        code: "limit-exceeded",
        detail: { limit },
      })
    }
  })

  it("let a tensor be repeated within reason", async () => {
    const value = dict({ mask: tensor(U8, [4 * MiB], { strides: [0] }) })
    expect((await planFor(value)).byteLength).toBeGreaterThan(4 * MiB)
  })
})

describe("names", () => {
  it.each([
    ["__metadata__", "name-reserved"],
    ["a\0b", "name-encoding"],
    ["\udc00", "name-encoding"],
    ["a\ud800b", "name-encoding"],
  ])("refused: %j", async (name, code) => {
    await expect(planFor(dict({ a: pair() }), { rename: () => name })).rejects.toMatchObject({ code })
  })

  it.each(["", ".", "__proto__", "format", "constructor", "\u{1f642}", '"', "\u2028"])(
    "taken: %j",
    async (name) => {
      expect(namesOf(await planFor(dict({ a: pair() }), { rename: () => name }))).toEqual([name])
    },
  )

  it("that collide are refused, whichever tensors have them", async () => {
    const value = dict({ "a.w": pair(), "b.w": pair() })
    const rename = (name: string): string => name.slice(2)
    await expect(planFor(value, { rename })).rejects.toMatchObject({
      code: "name-duplicate",
      detail: { name: "w" },
    })
    expect(namesOf(await planFor(value, { rename, include: "a.*" }))).toEqual(["w"])
  })

  it("may be swapped", async () => {
    const value = dict({ a: tensor(F32, [1]), b: tensor(F32, [2]) })
    const plan = await planFor(value, { rename: (name) => (name === "a" ? "b" : "a") })
    expect(plan.report.tensors.map(({ name, shape }) => [name, ...shape])).toEqual([
      ["a", 2],
      ["b", 1],
    ])
  })

  it.each([undefined, null, 5, {}])(
    "that rename makes something else than text of are refused: %s",
    async (made) => {
      const rename = (() => made) as unknown as (name: string) => string
      await expect(planFor(dict({ a: pair() }), { rename })).rejects.toMatchObject({
        code: "invalid-argument",
        detail: { argument: "rename" },
      })
    },
  )

  it("pass on what rename throws", async () => {
    const failure = new Error("mine")
    const rename = (): string => {
      throw failure
    }
    await expect(planFor(dict({ a: pair() }), { rename })).rejects.toBe(failure)
  })
})

describe("metadata", () => {
  const metadataOf = (header: Uint8Array): Record<string, string> =>
    Object.fromEntries(parseSafetensorsHeader(header).metadata ?? [])

  it.each([
    [undefined, { format: "pt" }],
    [{}, {}],
    [
      { "10": "x", "2": "y", author: "\u{1f642}" },
      { "10": "x", "2": "y", author: "\u{1f642}" },
    ],
  ])("%j is written as %j", async (metadata, expected) => {
    const { header, report } = await planFor(dict({ a: tensor(F32, [0]) }), { metadata })
    expect(metadataOf(headerBytes(header))).toEqual(expected)
    expect({ ...report.metadata }).toEqual(expected)
  })

  it("is written in the order of its keys' bytes", async () => {
    const { header } = await planFor(dict({ a: pair() }), {
      metadata: { b: "1", "10": "2", a: "3", "2": "4" },
    })
    expect(Buffer.from(header).toString()).toContain('{"__metadata__":{"10":"2","2":"4","a":"3","b":"1"}')
  })

  it.each([{ a: 5 }, { a: null }, { "\ud800": "x" }, { a: "\udfff" }])("is refused: %j", async (metadata) => {
    const wrong = metadata as unknown as Record<string, string>
    await expect(planFor(dict({ a: pair() }), { metadata: wrong })).rejects.toMatchObject({
      code: "invalid-argument",
      detail: { argument: "metadata" },
    })
  })
})

describe("a plan", () => {
  it("is the same every time, and leaves its options alone", async () => {
    const value = dict({ b: pair(), a: pair() })
    const options = Object.freeze({
      root: Object.freeze([] as string[]),
      include: Object.freeze(["*"]),
      metadata: Object.freeze({ k: "v" }),
    })
    const [one, two] = [await planFor(value, options), await planFor(value, options)]
    expect(one.header).toEqual(two.header)
    expect(one.report).toEqual(two.report)
  })

  it("has a report that goes through JSON unharmed", async () => {
    const shared = pair()
    const { report } = await planFor(
      dict({ a: shared, b: shared, c: tensor(F32, [2, 3], { strides: [1, 2] }) }),
    )
    expect(JSON.parse(JSON.stringify(report))).toEqual({ ...report, metadata: { ...report.metadata } })
    expect(report).toMatchObject({
      layout: "zip",
      tensorCount: 2,
      parameterCount: 8,
      checksums: "checked",
      warnings: [],
      tensors: [
        { name: "a", from: "copied" },
        { name: "c", from: "gathered" },
      ],
    })
  })

  it("checks each entry that it draws on once, and no other", async () => {
    const storage = { key: "5", dtype: F32, bytes: noise(80, 1) }
    const value = dict({
      a: tensor(F32, [4], { storage }),
      b: tensor(F32, [4], { storage, offset: 9 }),
      c: pair(),
      left: pair(),
      empty: tensor(F32, [0]),
    })
    const { checkedExtents, extents } = await planFor(value, { exclude: "left" })
    expect(checkedExtents.map((place) => extents[place]?.name)).toEqual([
      "archive/data/5",
      expect.stringMatching(/^archive\/data\//),
    ])
    expect((await planFor(value, { verify: "none" })).checkedExtents).toEqual([])
  })
})
