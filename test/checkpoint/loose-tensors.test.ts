/** The root where training code has saved more than the model: loose tensors, optimizers, random generators. */

import { describe, expect, it } from "vitest"
import { type TestValue, Tuple } from "../property/model.ts"
import { dict, namesOf, pair, planFor } from "./contents.ts"
import { dotted, optimizer, rngState, scalar, state } from "./training-parts.ts"

async function chosen(value: TestValue): Promise<{ root: readonly string[]; reason: string }> {
  const { root, rootReason } = (await planFor(value)).report
  return { root, reason: rootReason }
}

describe("a state dict beside loose tensors", () => {
  it.each<[what: string, value: TestValue, root: readonly string[], reason: string]>([
    [
      "nanoGPT",
      dict({ model: dotted(), optimizer: optimizer(), iter_num: 1, best_val_loss: scalar() }),
      ["model"],
      "well-known-key",
    ],
    [
      "ImageNet's example",
      dict({ epoch: 1, state_dict: dotted(), best_acc1: scalar(), optimizer: optimizer() }),
      ["state_dict"],
      "well-known-key",
    ],
    ["nothing but a number", dict({ best: scalar(), state_dict: state() }), ["state_dict"], "well-known-key"],
    ["class weights", dict({ model: state(), class_weights: pair() }), ["model"], "well-known-key"],
    [
      "class weights called weight",
      dict({ weight: pair(), state_dict: dotted() }),
      ["state_dict"],
      "well-known-key",
    ],
    [
      "a loss with a name as a parameter's",
      dict({ model: state(), "criterion.weight": pair(), epoch: 3 }),
      ["model"],
      "well-known-key",
    ],
    [
      "a random generator",
      dict({ net: state(), torch_rng_state: rngState(), cuda_rng_state: [rngState(16)] }),
      ["net"],
      "well-known-key",
    ],
    [
      "a random generator of its own size",
      dict({ anything: state(), r: rngState() }),
      ["anything"],
      "only-part",
    ],
    [
      "GPUs' generators below a key that says so",
      dict({ x: state(), rng: dict({ devices: new Tuple([rngState(16), rngState(816)]) }) }),
      ["x"],
      "only-part",
    ],
    ["an unknown key, dots in its names", dict({ mine: dotted(), x: scalar() }), ["mine"], "state-dict"],
    [
      "an unknown key, where training speaks",
      dict({ mine: state(), class_weights: pair(), epoch: 3 }),
      ["mine"],
      "state-dict",
    ],
    [
      "an unknown key and a score",
      dict({ mine: dict({ a: state(), c: state() }), val_loss: scalar() }),
      ["mine"],
      "state-dict",
    ],
    ["an item of a tuple", new Tuple([dotted(), optimizer(), scalar()]), ["0"], "state-dict"],
    [
      "the inner of two",
      dict({ model: dict({ state_dict: state(), decay: scalar() }), step: 1 }),
      ["model", "state_dict"],
      "well-known-key",
    ],
    [
      "two, of which the more telling is taken",
      dict({ model: state(), state_dict: state(), best: scalar() }),
      ["state_dict"],
      "well-known-key",
    ],
    [
      "super-resolution",
      dict({ params: state(), params_ema: state(), n: scalar() }),
      ["params_ema"],
      "well-known-key",
    ],
    [
      "voice conversion",
      dict({ weight: dotted(), config: [1], info: "x", f0: scalar() }),
      ["weight"],
      "well-known-key",
    ],
    [
      "a GAN",
      dict({ generator: dotted(), discriminator: dotted(), steps: scalar() }),
      ["generator"],
      "well-known-key",
    ],
    [
      "averaged weights alone",
      dict({ model_ema: dotted(), critic: state() }),
      ["model_ema"],
      "well-known-key",
    ],
    ["numbers in a list", dict({ mine: dotted(), losses: [scalar(), scalar()] }), ["mine"], "only-part"],
  ])("is the root: %s", async (_, value, root, reason) => {
    expect(await chosen(value)).toEqual({ root, reason })
  })

  it.each<[what: string, value: TestValue, count: number]>([
    ["modules in modules", dict({ w: pair(), layer1: state(), layer2: state() }), 5],
    ["one of them called model", dict({ w: pair(), model: state(), head: state() }), 5],
    ["one of them called net, dots beside it", dict({ "head.weight": pair(), net: state() }), 3],
    ["one nested mapping", dict({ weight: pair(), extra: state() }), 3],
    ["one nested mapping with dots", dict({ fine: pair(), block: dotted() }), 3],
    ["a number of its own", dict({ logit_scale: scalar(), text: state(), vision: state() }), 5],
    [
      "names that state dicts have, as tensors",
      dict({ model: pair(), weights: pair(), params: pair(), state_dict: pair() }),
      4,
    ],
    ["such a name beside a mapping", dict({ model: pair(), inner: state() }), 3],
    [
      "more of its own than the part has",
      dict({ "a.b": pair(), "a.c": pair(), "a.d": pair(), model: state(), epoch: 1 }),
      5,
    ],
    ["a list of tensors", [pair(), scalar(), pair()], 3],
    ["a list of tensors and lists", [pair(), [pair()], new Tuple([pair()])], 3],
    ["a counter within", dict({ weight: pair(), steps: scalar(), block: state() }), 4],
  ])("is not taken out of a state dict: %s", async (_, value, count) => {
    const { report } = await planFor(value)
    expect(report).toMatchObject({ root: [], rootReason: "holds-tensors", tensorCount: count })
    expect(report.leftOut).toMatchObject({ outsideRoot: 0, parts: [], partCount: 0, sameNames: [] })
  })

  it("is not guessed where there are two under keys of their own", async () => {
    for (const value of [
      dict({ actor: dotted(), critic: dotted("v.weight"), best_acc: scalar() }),
      dict({ actor: state(), critic: dict({ x: pair() }), optimizer: optimizer(), temperature: pair() }),
    ]) {
      const failure: unknown = await planFor(value).catch((error: unknown) => error)
      expect(failure).toMatchObject({
        code: "root-ambiguous",
        detail: { candidates: [{ path: ["actor"] }, { path: ["critic"] }] },
      })
    }
  })

  it("is taken whole under a well-known key, numbers of its own included", async () => {
    const value = dict({ model: dict({ scale: scalar(), text: dotted(), vision: dotted() }), epoch: 1 })
    expect(namesOf(await planFor(value))).toEqual([
      "scale",
      "text.fc.bias",
      "text.fc.weight",
      "vision.fc.bias",
      "vision.fc.weight",
    ])
  })
})

describe("an optimizer", () => {
  it.each<[what: string, value: TestValue, root: readonly string[]]>([
    ["beside a model", dict({ mine: state(), adam: optimizer() }), ["mine"]],
    [
      "with more keys",
      dict({ mine: state(), sgd: optimizer({ defaults: dict({ lr: 1 }), loss_scale: scalar() }) }),
      ["mine"],
    ],
    [
      "in a list, as Lightning has them",
      dict({ mine: state(), states: [optimizer(), optimizer()] }),
      ["mine"],
    ],
    [
      "in a mapping of several",
      dict({ mine: state(), all: dict({ g: optimizer(), d: optimizer() }) }),
      ["mine"],
    ],
    ["in a tuple", new Tuple([state(), optimizer()]), ["0"]],
    ["before the model, in a list", [optimizer(), state(), 7], ["1"]],
    [
      "of parameters by name",
      dict({ mine: state(), optim_state: dict({ "fc.weight": dict({ exp_avg: pair() }) }) }),
      ["mine"],
    ],
    [
      "without groups",
      dict({ mine: state(), x: new Map([[0, dict({ momentum_buffer: pair() })]]) }),
      ["mine"],
    ],
    ["by its key", dict({ mine: state(), last_optimizer_state: dict({ flat: [pair(), pair()] }) }), ["mine"]],
    [
      "of one net of a GAN",
      dict({ mine: state(), optimizerG: dict({ t: pair() }), d_optim: [pair()] }),
      ["mine"],
    ],
    [
      "within a trainer's state",
      dict({ trainer: dict({ adam: optimizer(), mine: state() }) }),
      ["trainer", "mine"],
    ],
    [
      "of Composer",
      dict({ state: dict({ model: dotted(), optimizers: dict({ A: optimizer() }) }), rng: [rngState()] }),
      ["state", "model"],
    ],
  ])("rivals no model: %s", async (_, value, root) => {
    const { report } = await planFor(value)
    expect(report.root).toEqual(root)
    expect(report.leftOut.parts.map(({ kind }) => kind)).toContain("optimizer")
    expect(report.tensors.every(({ name }) => /^(w|b|fc\.\w+)$/.test(name))).toBe(true)
  })

  it("is left out of a root that it lies in, and so are generators", async () => {
    const value = new Map<string, TestValue>([
      ...dotted(),
      ["optimizer", optimizer()],
      ["torch_rng_state", rngState()],
      ["epoch", 3],
    ])
    const plan = await planFor(value)
    expect(namesOf(plan)).toEqual(["fc.bias", "fc.weight"])
    expect(plan.report).toMatchObject({ root: [], rootReason: "holds-tensors" })
    expect(plan.report.leftOut).toEqual({
      outsideRoot: 7,
      filtered: [],
      unsupported: [],
      parts: [
        { path: ["optimizer"], kind: "optimizer", tensorCount: 6, byteLength: 40 },
        { path: ["torch_rng_state"], kind: "random-state", tensorCount: 1, byteLength: 5056 },
      ],
      partCount: 2,
      sameNames: [],
    })
    expect((await planFor(value, { root: "all" })).report.tensorCount).toBe(9)
    expect((await planFor(value, { root: [] })).report.tensorCount).toBe(9)
  })

  it.each<[what: string, value: TestValue, parts: readonly (readonly [string, string, number])[]]>([
    ["alone", optimizer(), [["", "optimizer", 6]]],
    ["with more keys", optimizer({ defaults: dict({}) }), [["", "optimizer", 6]]],
    [
      "beside a schedule",
      dict({ optimizer: optimizer(), lr_scheduler: dict({ last: [scalar()] }) }),
      [
        ["lr_scheduler", "tensors", 1],
        ["optimizer", "optimizer", 6],
      ],
    ],
    [
      "beside a generator",
      dict({ o: optimizer(), rng: rngState(16) }),
      [
        ["o", "optimizer", 6],
        ["rng", "random-state", 1],
      ],
    ],
    [
      "twice",
      [optimizer(), optimizer()],
      [
        ["0", "optimizer", 6],
        ["1", "optimizer", 6],
      ],
    ],
    [
      "beside a score",
      dict({ o: optimizer(), best: scalar() }),
      [
        ["o", "optimizer", 6],
        ["best", "tensor", 1],
      ],
    ],
    ["by its slots", new Map([[0, dict({ exp_avg: pair(), step: scalar() })]]), [["0", "optimizer", 2]]],
  ])("without a model is told as that: %s", async (_, value, parts) => {
    const failure: unknown = await planFor(value).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: "no-model" })
    const { detail, message, nextStep } = failure as {
      message: string
      nextStep: string
      detail: { parts: readonly { path: readonly string[]; kind: string; tensorCount: number }[] }
    }
    expect(detail.parts.map(({ path, kind, tensorCount }) => [path.join("."), kind, tensorCount])).toEqual(
      parts,
    )
    expect(message).toContain("the state of an optimizer")
    expect(nextStep).toContain('root: "all"')
    expect((await planFor(value, { root: "all" })).report.rootReason).toBe("all")
  })

  it("is no model's name: numbers alone are converted, and a model of numbers too", async () => {
    expect((await planFor(dict({ a: scalar(), c: scalar() }))).report.root).toEqual([])
    const value = dict({ model: dict({ scale: scalar() }), optimizer: optimizer() })
    expect((await planFor(value)).report.root).toEqual(["model"])
  })

  it("is not what a tensor of bytes is, unless its size or its key says so", async () => {
    expect(namesOf(await planFor(dict({ table: rngState(16), codes: rngState(816) })))).toEqual([
      "codes",
      "table",
    ])
    await expect(planFor(dict({ cpu: rngState(), cuda: [rngState(16)] }))).rejects.toMatchObject({
      code: "no-model",
    })
    expect(namesOf(await planFor(rngState()))).toEqual(["tensor"])
  })
})
