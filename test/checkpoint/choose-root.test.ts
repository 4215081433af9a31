import { describe, expect, it } from "vitest"
import type { PlanOptions } from "../../src/checkpoint/plan-checkpoint.ts"
import { Float, type TestValue, Tuple } from "../property/model.ts"
import { contentsOf, dict, namesOf, pair, planFor } from "./contents.ts"
import { state } from "./training-parts.ts"

async function rootOf(value: TestValue, root?: PlanOptions["root"]): Promise<readonly string[]> {
  return (await planFor(value, { root })).report.root
}

describe("the root by rule", () => {
  it.each([
    ["is the only child that holds tensors", dict({ epoch: 3, anything: state() }), ["anything"]],
    ["is the only child of an only child", dict({ a: dict({ b: dict({ c: state() }) }) }), ["a", "b", "c"]],
    ["passes over empty containers", dict({ state_dict: dict({}), other: state() }), ["other"]],
    ["is a list of tensors", dict({ x: [pair(), pair()] }), ["x"]],
    ["is a tuple of tensors", new Tuple([pair()]), []],
    ["is an item of a list", [dict({ n: 1 }), state()], ["1"]],
    ["is the well-known child of several", dict({ optimizer: state(), model: state() }), ["model"]],
    ["is the first of two well-known ones", dict({ model: state(), state_dict: state() }), ["state_dict"]],
    [
      "is the well-known child below the only one",
      dict({ checkpoint: dict({ opt: state(), net: state() }) }),
      ["checkpoint", "net"],
    ],
    [
      "is a well-known child whole, where it has no root of its own",
      dict({ opt: state(), model: dict({ encoder: state(), decoder: state() }) }),
      ["model"],
    ],
    [
      "goes on below a well-known child to its only child",
      dict({ opt: state(), model: dict({ module: state(), n: 1 }) }),
      ["model", "module"],
    ],
    [
      "is below an only child that is well known",
      dict({ model: dict({ encoder: state(), decoder: state() }) }),
      ["model"],
    ],
    [
      "has integer keys",
      new Map([
        [0, dict({ n: 1 })],
        [7, state()],
      ] as const),
      ["7"],
    ],
  ] as const)("%s", async (_, value, root) => {
    expect(await rootOf(value)).toEqual(root)
  })

  it.each([
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "net",
    "network",
    "params_ema",
    "params",
    "g_ema",
    "generator",
    "netG",
    "weights",
    "weight",
    "model_weights",
    "model_state",
    "model_ema",
    "ema",
  ])("knows %s, and prefers it to the next", async (name) => {
    expect(await rootOf(dict({ zzz: state(), [name]: state(), another: state() }))).toEqual([name])
  })

  it("does not know names in other cases or with more around them", async () => {
    const value = dict({ Model: state(), my_model: state(), "model.": state() })
    await expect(rootOf(value)).rejects.toMatchObject({ code: "root-ambiguous" })
  })

  it("takes a teacher only where the others hold its names", async () => {
    const value = dict({ student: state(), teacher: state() })
    expect(await rootOf(value)).toEqual(["teacher"])
    for (const student of [dict({ w: pair(), c: pair() }), dict({ w: pair() }), dict({ inner: state() })]) {
      await expect(rootOf(dict({ student, teacher: state() }))).rejects.toMatchObject({
        code: "root-ambiguous",
      })
    }
  })

  it("names all candidates with what they hold where it cannot tell", async () => {
    const shared = pair()
    const value = dict({
      only: dict({ g: dict({ a: pair(), b: shared, c: shared }), d: dict({ x: [pair()] }) }),
    })
    await expect(rootOf(value)).rejects.toMatchObject({
      code: "root-ambiguous",
      detail: {
        candidates: [
          { path: ["only", "g"], tensorCount: 3, byteLength: 24 },
          { path: ["only", "d"], tensorCount: 1, byteLength: 8 },
        ],
      },
    })
  })

  it.each([
    ["an empty dictionary", dict({})],
    ["plain values", dict({ a: 1, b: "x", c: [new Float(1.5)] })],
    ["a number", 3],
    ["None", null],
    ["an empty state dict", dict({ state_dict: dict({}) })],
  ])("finds no tensors in %s", async (_, value) => {
    for (const root of [undefined, "all", ["state_dict"]] as const) {
      await expect(rootOf(value, root)).rejects.toMatchObject({ code: "no-tensors" })
    }
  })
})

describe("a given root", () => {
  const value = dict({
    a: dict({ "b.c": state(), list: [pair(), dict({ x: pair() })], n: 5 }),
    numbers: new Map([[3, state()]]),
    tuple: new Tuple([state()]),
  })

  it.each([
    [
      [],
      [
        "a.b.c.b",
        "a.b.c.w",
        "a.list.0",
        "a.list.1.x",
        "numbers.3.b",
        "numbers.3.w",
        "tuple.0.b",
        "tuple.0.w",
      ],
    ],
    [["a"], ["b.c.b", "b.c.w", "list.0", "list.1.x"]],
    [
      ["a", "b.c"],
      ["b", "w"],
    ],
    [["a", "list", "1"], ["x"]],
    [
      ["numbers", "3"],
      ["b", "w"],
    ],
    [
      ["tuple", "0"],
      ["b", "w"],
    ],
    [["a", "list", "0"], ["tensor"]],
    [["a", "b.c", "w"], ["tensor"]],
  ])("%j gives the names below it", async (root, names) => {
    const plan = await planFor(value, { root })
    expect(namesOf(plan)).toEqual(names)
    expect(plan.report.root).toEqual(root)
    expect(plan.report.leftOut.outsideRoot).toBe(8 - names.length)
  })

  it.each([
    [["b"], ["a", "numbers", "tuple"]],
    [
      ["a", "n"],
      ["a.b.c", "a.list"],
    ],
    [
      ["a", "b", "c"],
      ["a.b.c", "a.list"],
    ],
    [
      ["a", "list", "2"],
      ["a.list", "a.list.1"],
    ],
    [
      ["a", "list", "01"],
      ["a.list", "a.list.1"],
    ],
    [["numbers", "3.0"], ["numbers.3"]],
    [["a", "b.c", "w", "x"], ["a.b.c"]],
    [["__proto__"], ["a", "numbers", "tuple"]],
  ])("%j that is not there names what is", async (root, candidates) => {
    const failure = await planFor(value, { root }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: "root-not-found", detail: { root } })
    const { detail } = failure as { detail: { candidates: readonly { path: readonly string[] }[] } }
    expect(detail.candidates.map(({ path }) => path.join("."))).toEqual(candidates)
  })

  it.each<[step: string, key: string | number | boolean | null | Float | Tuple]>([
    ["(10, 20, 0)", new Tuple([10, 20, 0])],
    ["(10,20,0)", new Tuple([10, 20, 0])],
    ["(1,)", new Tuple([1])],
    ["()", new Tuple([])],
    ["('a.b', \"it's\")", new Tuple(["a.b", "it's"])],
    ["(0.5, (None, True))", new Tuple([new Float(0.5), new Tuple([null, true])])],
    ["None", null],
    ["True", true],
    ["False", false],
    ["0.5", new Float(0.5)],
    ["1e-07", new Float(1e-7)],
    ["inf", new Float(Number.POSITIVE_INFINITY)],
    ["-3", -3],
  ])("%s leads to a key that is no text, in the spelling that candidates have", async (step, key) => {
    const mapping = new Map<typeof key, TestValue>([
      [key, state()],
      ["other", dict({ x: pair() })],
    ])
    const { report } = await planFor(mapping, { root: [step] })
    expect(report.tensorCount).toBe(2)
    const failure: unknown = await planFor(mapping).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: "root-ambiguous",
      detail: { candidates: [{ path: report.root }, {}] },
    })
    expect(report.root).toEqual([step === "(10,20,0)" ? "(10, 20, 0)" : step])
  })

  it("is refused where two keys have one spelling", async () => {
    const twins = new Map<string | number, TestValue>([
      [1, state()],
      ["1", state()],
    ])
    await expect(planFor(twins, { root: ["1"] })).rejects.toMatchObject({
      code: "name-duplicate",
      detail: { name: "1" },
    })
  })

  it("is not passed over for a tensor that was saved alone", async () => {
    for (const root of [undefined, "all", []] as const) {
      expect(namesOf(await planFor(pair(), { root }))).toEqual(["tensor"])
    }
    await expect(planFor(pair(), { root: ["state_dict"] })).rejects.toMatchObject({ code: "root-not-found" })
  })
})

describe("all", () => {
  it("names every tensor from the top, shared parts as often as they are reached", async () => {
    const part = dict({ w: pair() })
    const value = dict({ a: part, b: dict({ c: part }) })
    expect(namesOf(await planFor(value, { root: "all", shared: "copy" }))).toEqual(["a.w", "b.c.w"])
  })

  it("refuses two tensors that come to the same name, also when they are the same tensor", async () => {
    const same = pair()
    for (const other of [same, pair()]) {
      const value = dict({ "a.b": same, a: dict({ b: other }) })
      for (const shared of ["alias", "copy"] as const) {
        await expect(planFor(value, { root: "all", shared })).rejects.toMatchObject({
          code: "name-duplicate",
          detail: { name: "a.b" },
        })
      }
    }
  })
})

it("a census counts nothing twice in the file", async () => {
  const { storages } = await contentsOf(dict({ a: state(), b: state() }))
  expect(storages.length).toBe(4)
})
