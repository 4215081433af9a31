import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type FilterCandidate, matchesGlob } from "../../src/plan/plan-options.ts"
import { dict, namesOf, pair, planFor } from "../checkpoint/contents.ts"
import { depth } from "../depth.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"

describe("a glob", () => {
  it.each([
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["*", "a.b", true],
    ["**", "", true],
    ["?", "", false],
    ["?", "a", true],
    ["?", "ab", false],
    ["?", "\u{1f642}", true],
    ["??", "\u{1f642}", false],
    ["a?c", "a\u{1f642}c", true],
    ["*?", "\u{1f642}", true],
    ["a*", "a", true],
    ["a*", "ba", false],
    ["*a", "ba", true],
    ["a*b", "ab", true],
    ["a*b", "axbxb", true],
    ["a*b", "axbx", false],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["*.weight", "layers.0.weight", true],
    ["*.weight", "layers.0.weight.x", false],
    ["layers.?.*", "layers.10.weight", false],
    ["layers.*.bias", "layers.0.attn.bias", true],
    ["*a*a*a*", "aa", false],
    ["[ab]", "a", false],
    ["[ab]", "[ab]", true],
    ["{a,b}", "a", false],
    ["\\*", "*", false],
    [".", "a", false],
    ["A", "a", false],
    ["a", "a\n", false],
    ["*", "a\nb", true],
  ])("%j against %j: %s", (glob, name, matches) => {
    expect(matchesGlob(name, glob)).toBe(matches)
  })

  it("matches what a regular expression says", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "\u{1f642}"), maxLength: 12 })
    const globs = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "?", "\u{1f642}"), maxLength: 8 })
    fc.assert(
      fc.property(text, globs, (name, glob) => {
        const pattern = glob.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".")
        expect(matchesGlob(name, glob)).toBe(new RegExp(`^${pattern}$`, "su").test(name))
      }),
      { seed: 1, numRuns: depth({ quick: 2000, deep: 20_000 }) },
    )
  })

  it("with many stars comes to an end against a long name that almost matches", () => {
    const name = `${"a".repeat(200_000)}c`
    expect(matchesGlob(name, "a*a*a*a*a*a*a*a*b")).toBe(false)
    expect(matchesGlob(name, "*a*a*a*a*a*a*a*a*c")).toBe(true)
  })
})

describe("include and exclude", () => {
  const value = dict({
    "a.w": pair(),
    "a.b": pair(),
    "c.w": pair(),
    tensor: tensor(dtypeNamed("uint8"), [3]),
  })

  it.each([
    [{}, ["a.b", "a.w", "c.w", "tensor"], []],
    [{ include: "*.w" }, ["a.w", "c.w"], ["a.b", "tensor"]],
    [{ include: ["a.*", "t*"] }, ["a.b", "a.w", "tensor"], ["c.w"]],
    [{ exclude: "a.*" }, ["c.w", "tensor"], ["a.w", "a.b"]],
    [{ include: "*.w", exclude: ["c.*"] }, ["a.w"], ["a.b", "c.w", "tensor"]],
    [{ include: "*", exclude: [] }, ["a.b", "a.w", "c.w", "tensor"], []],
    [
      { exclude: ({ torchDtype }: FilterCandidate) => torchDtype === "uint8" },
      ["a.b", "a.w", "c.w"],
      ["tensor"],
    ],
    [{ include: ({ byteLength }: FilterCandidate) => byteLength < 8 }, ["tensor"], ["a.w", "a.b", "c.w"]],
  ] as const)("%j", async (options, names, filtered) => {
    const plan = await planFor(value, options)
    expect(namesOf(plan)).toEqual(names)
    expect(plan.report.leftOut.filtered).toEqual(filtered)
  })

  it.each([{ include: [] }, { include: "nothing" }, { exclude: "*" }, { include: "a.w", exclude: "a.w" }])(
    "that leave nothing are an error: %j",
    async (options) => {
      await expect(planFor(value, options)).rejects.toMatchObject({ code: "no-tensors" })
    },
  )

  it("are asked about the name in the checkpoint, before it is changed", async () => {
    const plan = await planFor(value, { include: "a.*", rename: (name) => name.toUpperCase() })
    expect(namesOf(plan)).toEqual(["A.B", "A.W"])
  })

  it("pass on what a function throws", async () => {
    const failure = new Error("mine")
    const include = (): boolean => {
      throw failure
    }
    await expect(planFor(value, { include })).rejects.toBe(failure)
  })

  it("are told of tensors that cannot be converted, which they may leave out", async () => {
    const bits = { ...dtypeNamed("uint8"), torch: "bits8", storageClass: undefined }
    const mixed = dict({ good: pair(), bad: tensor(bits, [2]) })
    await expect(planFor(mixed)).rejects.toMatchObject({
      code: "tensor-unsupported",
      detail: { tensors: [{ name: "bad" }] },
    })
    expect(namesOf(await planFor(mixed, { exclude: "bad" }))).toEqual(["good"])
  })
})

describe("a glob that matches nothing", () => {
  const contents = () => dict({ "encoder.weight": pair(), "encoder.bias": pair() })

  it("is a warning beside others that do, and names the nearest", async () => {
    const { report } = await planFor(contents(), {
      include: ["encoder.*", "decoder.*"],
      exclude: ["encoder.bais"],
    })
    expect(report.warnings.filter(({ code }) => code === "glob-unmatched")).toMatchObject([
      { option: "include", glob: "decoder.*", message: '`include` "decoder.*" matches no tensor' },
      { option: "exclude", glob: "encoder.bais", candidates: ["encoder.bias"] },
    ])
    expect(report.tensorCount).toBe(2)
  })

  it("is no warning where another glob matches the same names, or a function chooses", async () => {
    for (const include of [["*", "encoder.*", "encoder.bias"], "*", () => true]) {
      const { report } = await planFor(contents(), { include, exclude: () => false })
      expect(report.warnings.map(({ code }) => code)).not.toContain("glob-unmatched")
    }
  })

  it("is an error where nothing is left, with the nearest", async () => {
    for (const [options, unmatched] of [
      [
        { include: "encodr.weight" },
        [{ option: "include", glob: "encodr.weight", candidates: ["encoder.weight"] }],
      ],
      [{ exclude: "*" }, []],
      [{ include: [] }, []],
    ] as const) {
      await expect(planFor(contents(), options)).rejects.toMatchObject({
        code: "no-tensors",
        detail: { unmatched },
      })
    }
  })
})
