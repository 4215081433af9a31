import { describe, expect, it } from "vitest"
import { nearestNames } from "../../src/text/nearest-names.ts"

const LAYERS = ["encoder.layers.0.weight", "encoder.layers.0.bias", "encoder.layers.1.weight", "head.weight"]

describe("the nearest names", () => {
  it.each<[wanted: string, names: readonly string[], near: readonly string[]]>([
    ["insepct", ["inspect", "scan", "verify"], ["inspect"]],
    ["verfy", ["inspect", "scan", "verify"], ["verify"]],
    ["sacn", ["inspect", "scan", "verify"], ["scan"]],
    ["overwrit", ["force", "overwrite", "output"], ["overwrite"]],
    ["model.PT", ["Model.pt", "optimizer.pt"], ["Model.pt"]],
    ["head.wieght", LAYERS, ["head.weight"]],
    [
      "encoder.layer.0.*",
      LAYERS,
      ["encoder.layers.0.weight", "encoder.layers.0.bias", "encoder.layers.1.weight"],
    ],
    ["*.wieght", LAYERS, ["encoder.layers.0.weight", "encoder.layers.1.weight", "head.weight"]],
    ["encoder.layers.?.wight", LAYERS, ["encoder.layers.0.weight", "encoder.layers.1.weight"]],
    // What is missing or too much before a name is the root, most often.
    ["layers.0.bias", LAYERS, ["encoder.layers.0.bias"]],
    ["model.head.weight", LAYERS, ["head.weight"]],
    ["something else", LAYERS, []],
    ["", LAYERS, []],
    ["x", [], []],
  ])("to %j", (wanted, names, near) => {
    expect(nearestNames(wanted, names)).toEqual(near)
  })

  it("are at most three, each once, the nearest first", () => {
    const names = ["abcdefgX", "abcdefXX", "abcdefgh", "abcdefgY", "abcdefgh"]
    expect(nearestNames("abcdefgh", names)).toEqual(["abcdefgh", "abcdefgX", "abcdefgY"])
  })

  it("are looked for among so many steps, however many and long the names are", () => {
    let taken = 0
    const names = {
      *[Symbol.iterator]() {
        for (; taken < 1_000_000; taken++) yield "a".repeat(32_768) + taken
      },
    }
    nearestNames("*a*a*".repeat(40), names)
    // 200 by 201 steps for each.
    expect(taken).toBeLessThan(500)
  })
})
