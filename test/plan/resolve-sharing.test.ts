import { describe, expect, it } from "vitest"
import type { PlanOptions } from "../../src/checkpoint/plan-checkpoint.ts"
import { dict, namesOf, planFor } from "../checkpoint/contents.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { noise, type TestTensor, type TestValue, tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")
const C64 = dtypeNamed("complex64")
const storage = { key: "900", dtype: F32, bytes: noise(400, 1) }
const view = (changes: Partial<TestTensor> = {}): TestTensor => tensor(F32, [4, 5], { storage, ...changes })
const complex = { key: "901", dtype: C64, bytes: noise(400, 1) }

async function sharingOf(
  value: ReadonlyMap<string, TestValue>,
  options: PlanOptions = {},
): Promise<{ names: readonly string[]; aliases: object; metadata: object }> {
  const plan = await planFor(value, options)
  const aliases = Object.fromEntries(plan.report.aliases.map(({ dropped, kept }) => [dropped, kept]))
  return { names: namesOf(plan), aliases, metadata: { ...plan.report.metadata } }
}

describe("alias", () => {
  it("keeps the first of the names of one tensor, in the order of the file", async () => {
    const value = dict({ z: view(), "\u{10000}": view(), "\uffff": view(), a: view() })
    expect(await sharingOf(value)).toEqual({
      names: ["z"],
      aliases: { a: "z", "\uffff": "z", "\u{10000}": "z" },
      metadata: { format: "pt", a: "z", "\uffff": "z", "\u{10000}": "z" },
    })
    const nested = dict({ m: dict({ z: view() }), b: dict({ a: view() }) })
    expect((await sharingOf(nested, { root: "all" })).names).toEqual(["m.z"])
  })

  it.each([
    ["another offset", view({ offset: 1 })],
    ["another shape", view({ shape: [20], strides: [1] })],
    ["other strides", view({ strides: [1, 4] })],
    ["another dimension of one", view({ shape: [4, 5, 1], strides: [5, 1, 1] })],
    ["the neg bit", view({ neg: true })],
    ["another storage with the same bytes", view({ storage: { ...storage, key: "902" } })],
  ])("writes both where one has %s", async (_, other) => {
    expect(await sharingOf(dict({ a: view(), b: other }))).toMatchObject({ names: ["a", "b"], aliases: {} })
  })

  it("tells conjugates apart", async () => {
    const one = tensor(C64, [5], { storage: complex })
    const value = dict({ a: one, b: { ...one, conj: true }, c: { ...one, conj: true } })
    expect(await sharingOf(value)).toMatchObject({ names: ["a", "b"], aliases: { c: "b" } })
  })

  it("writes tensors without elements, which share nothing", async () => {
    const empty = tensor(F32, [0], { storage })
    expect(await sharingOf(dict({ a: empty, b: empty }))).toMatchObject({ names: ["a", "b"], aliases: {} })
  })

  it("writes a name that the metadata has already", async () => {
    const value = dict({ a: view(), format: view(), z: view() })
    expect(await sharingOf(value)).toEqual({
      names: ["a", "format"],
      aliases: { z: "a" },
      metadata: { format: "pt", z: "a" },
    })
    expect(await sharingOf(value, { metadata: { z: "mine" } })).toEqual({
      names: ["a", "format", "z"],
      aliases: {},
      metadata: { z: "mine" },
    })
  })

  it.each(
    ["format", "source_sha256", "source_bytes", "converted_by"].flatMap((key) =>
      [undefined, {}, { author: "x" }, { [key]: "mine" }].map((metadata) => [key, metadata] as const),
    ),
  )("never records %s, which says something about the file (metadata %j)", async (key, metadata) => {
    const expected = metadata ?? { format: "pt" }
    const value = dict({ ["0".repeat(64)]: view(), [key]: view(), other: view() })
    const sharing = await sharingOf(value, { metadata })
    expect(sharing.names.toSorted()).toEqual(["0".repeat(64), key].toSorted())
    expect(sharing.metadata).toEqual({ ...expected, other: "0".repeat(64) })
    const rename = (name: string): string => (name === "b" ? key : name)
    const renamed = await sharingOf(dict({ a: view(), b: view() }), { metadata, rename })
    expect(renamed).toEqual({ names: ["a", key], aliases: {}, metadata: expected })
    const nested = await sharingOf(dict({ a: view(), [`x.${key}`]: view() }), { metadata })
    expect(nested.aliases).toEqual({ [`x.${key}`]: "a" })
  })

  it("goes by the order of the file, and records the names that are written", async () => {
    const rename = (name: string): string => (name === "b" ? "z" : name)
    expect(await sharingOf(dict({ b: view(), a: view() }), { rename })).toMatchObject({
      names: ["z"],
      aliases: { a: "z" },
    })
  })

  it("takes no part in what is left out", async () => {
    const plan = await planFor(dict({ a: view(), b: view() }), { exclude: "a" })
    expect(namesOf(plan)).toEqual(["b"])
    expect(plan.report.aliases).toEqual([])
  })

  it("loses nothing when names are made the same", async () => {
    const value = dict({ a: view(), b: view(), c: view({ offset: 3 }) })
    for (const rename of [() => "x", (name: string) => (name === "a" ? "a" : "x")]) {
      for (const shared of ["alias", "copy"] as const) {
        await expect(planFor(value, { rename, shared })).rejects.toMatchObject({
          code: "name-duplicate",
          detail: { name: "x" },
        })
      }
    }
  })

  it.each([
    ["__metadata__", "name-reserved"],
    ["z\0", "name-encoding"],
    ["z\ud800", "name-encoding"],
  ])("does not hide the name %j that no tensor may have", async (name, code) => {
    const rename = (old: string): string => (old === "b" ? name : "A")
    await expect(planFor(dict({ a: view(), b: view() }), { rename })).rejects.toMatchObject({ code })
  })

  it("records names that plain objects mishandle", async () => {
    const value = new Map<string, TestValue>([
      ["", view()],
      ["__proto__", view()],
      ["7", view()],
    ])
    const plan = await planFor(value, {})
    expect(plan.report.aliases).toEqual([
      { dropped: "7", kept: "" },
      { dropped: "__proto__", kept: "" },
    ])
    expect(Object.keys(plan.report.metadata)).toContain("__proto__")
  })
})

describe("keep", () => {
  const tied = (): ReadonlyMap<string, TestValue> =>
    dict({ embed: view(), x: view({ offset: 1 }), head: view(), y: view({ offset: 1 }), "last.head": view() })

  it.each<[what: string, keep: PlanOptions["keep"], names: readonly string[]]>([
    ["a name", "head", ["head", "x"]],
    ["a glob", "last.*", ["last.head", "x"]],
    ["several, each for another tensor", ["y", "last.head"], ["last.head", "y"]],
    ["several of one tensor: the first of the file", ["last.head", "head"], ["head", "x"]],
    ["a glob of several of one tensor: the first of the file", "*head", ["head", "x"]],
    ["all: the first of the file", "*", ["embed", "x"]],
    ["the first", "embed", ["embed", "x"]],
    ["a function", ({ name }) => name.startsWith("y"), ["embed", "y"]],
    ["no glob at all", [], ["embed", "x"]],
  ])("takes %s", async (_, keep, names) => {
    const { report, ...plan } = await planFor(tied(), { keep })
    expect(namesOf({ report, ...plan })).toEqual(names)
    expect(report.warnings).toEqual([])
    expect(new Set(report.aliases.map(({ kept }) => kept))).toEqual(new Set(names))
    expect(report.aliases.length).toBe(3)
  })

  it("is about the names of the checkpoint, whatever they become", async () => {
    const rename = (name: string): string => (name === "embed" ? "head" : name === "head" ? "embed" : name)
    const { names, aliases } = await sharingOf(tied(), { keep: "head", rename })
    expect(names).toEqual(["embed", "x"])
    expect(aliases).toEqual({ head: "embed", "last.head": "embed", y: "x" })
  })

  it.each<[what: string, keep: PlanOptions["keep"], told: readonly string[]]>([
    ["a name that is not there", "haed", ['"haed"']],
    ["a name that is tied to nothing", ["head", "lone"], ['"lone"']],
    ["each of several", ["a", "head", "b*"], ['"a"', '"b*"']],
    ["a function that wants none", () => false, ["the function"]],
    ["a name that is left out", "y", ['"y"']],
    ["text of strangers", "\u202e", ['"\\u202e"']],
  ])("tells %s", async (_, keep, told) => {
    const value = new Map<string, TestValue>([...tied(), ["lone", view({ offset: 9 })]])
    const { report } = await planFor(value, { keep, exclude: "y" })
    expect(report.warnings).toEqual(
      told.map((what) => ({
        code: "keep-unused",
        message: `nothing to keep: ${what} matches no name of a tied tensor`,
      })),
    )
  })

  it("has nothing to do where every name is written", async () => {
    const { report } = await planFor(tied(), { keep: "haed", shared: "copy" })
    expect(report.tensorCount).toBe(5)
    expect(report.warnings).toEqual([])
  })
})

describe("copy", () => {
  it("writes every name", async () => {
    expect(await sharingOf(dict({ b: view(), a: view() }), { shared: "copy" })).toEqual({
      names: ["a", "b"],
      aliases: {},
      metadata: { format: "pt" },
    })
  })
})

describe("error", () => {
  const bytes = (offset: number, length: number): TestTensor => tensor(F32, [length], { storage, offset })

  it("names each group that overlaps, in chains, and nothing else", async () => {
    const value = dict({
      c: bytes(4, 6),
      a: bytes(0, 5),
      d: bytes(9, 1),
      apart: bytes(10, 5),
      x: bytes(50, 5),
      y: bytes(52, 1),
      empty: bytes(0, 0),
      alone: tensor(F32, [3]),
    })
    await expect(planFor(value, { shared: "error" })).rejects.toMatchObject({
      code: "tensors-shared",
      detail: {
        groups: [
          ["a", "c", "d"],
          ["x", "y"],
        ],
      },
    })
  })

  it("sees what lies within a long one behind a short one", async () => {
    const value = dict({ long: bytes(0, 20), short: bytes(1, 1), late: bytes(10, 2), behind: bytes(20, 3) })
    await expect(planFor(value, { shared: "error" })).rejects.toMatchObject({
      detail: { groups: [["long", "short", "late"]] },
    })
  })

  it("lets neighbours be", async () => {
    const value = dict({ a: bytes(0, 5), b: bytes(5, 5), c: bytes(10, 1) })
    expect(namesOf(await planFor(value, { shared: "error" }))).toEqual(["a", "b", "c"])
  })

  it("sees tensors of different widths in one storage", async () => {
    const untyped = { key: "903", dtype: undefined, bytes: noise(64, 1) }
    const value = dict({
      a: tensor(dtypeNamed("uint16"), [4], { storage: untyped, offset: 4 }),
      b: tensor(dtypeNamed("uint64"), [1], { storage: untyped, offset: 1 }),
      c: tensor(dtypeNamed("uint64"), [1], { storage: untyped }),
    })
    await expect(planFor(value, { shared: "error" })).rejects.toMatchObject({
      detail: { groups: [["a", "b"]] },
    })
  })
})
