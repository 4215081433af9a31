import { expect, it } from "vitest"
import type { MapNode, ModuleNode } from "../../examples/web/src/model/module-tree.ts"
import { buildModuleTree, mapOf, moduleAt, pathTo } from "../../examples/web/src/model/module-tree.ts"
import { columnsOf } from "./columns.ts"

const ALL = { smallestBytes: 0, smallestModuleBytes: 0, levels: 10 }

const MODEL = columnsOf([
  { name: "model.embed.weight", byteLength: 100 },
  { name: "model.layers.0.weight", byteLength: 30 },
  { name: "model.layers.0.bias", byteLength: 1 },
  { name: "model.layers.1.weight", byteLength: 40 },
  { name: "head.weight", byteLength: 100, status: "alias" },
])

/** `label(children)` with bytes, for comparing. */
function show({ label, byteLength, children }: MapNode): string {
  return `${label} ${byteLength}${children.length === 0 ? "" : ` (${children.map(show).join(", ")})`}`
}

it("sums bytes and tensors over modules; an alias takes none", () => {
  const tree = buildModuleTree(MODEL)
  expect([tree.byteLength, tree.tensorCount]).toEqual([171, 5])
  const layers = moduleAt(tree, ["model", "layers"])
  expect([layers?.byteLength, layers?.tensorCount]).toEqual([71, 3])
  expect(moduleAt(tree, ["model.layers", "0"])?.tensorCount).toBe(2)
  expect(moduleAt(tree, ["constructor"])).toBeUndefined()
})

it("joins modules that hold one thing, and puts the largest first", () => {
  expect(show(mapOf(buildModuleTree(MODEL), ALL))).toBe(
    " 171 (model 171 (embed.weight 100, layers 71 (1.weight 40, 0 31 (weight 30, bias 1))))",
  )
})

it("puts what is small together, and does not look into small modules", () => {
  const tree = buildModuleTree(MODEL)
  expect(show(mapOf(tree, { ...ALL, smallestBytes: 41 }))).toBe(
    " 171 (model 171 (embed.weight 100, layers 71 (3 small 71)))",
  )
  expect(show(mapOf(tree, { ...ALL, smallestModuleBytes: 72 }))).toBe(
    " 171 (model 171 (embed.weight 100, layers 71))",
  )
  expect(show(mapOf(tree, { ...ALL, levels: 1 }))).toBe(" 171 (model 171)")
})

it("knows a name that is a tensor and a module", () => {
  const tree = buildModuleTree(
    columnsOf([
      { name: "a", byteLength: 8 },
      { name: "a.b", byteLength: 4 },
    ]),
  )
  expect(show(mapOf(tree, ALL))).toBe("a 12 ((itself) 8, b 4)")
})

it("takes names that name nothing or something else", () => {
  const names = ["", ".", "__proto__.constructor", "toString"]
  const tree = buildModuleTree(columnsOf(names.map((name) => ({ name }))))
  expect(tree.byteLength).toBe(16)
  expect(moduleAt(tree, ["__proto__", "constructor"])?.row).toBe(2)
  expect(moduleAt(tree, ["toString"])?.row).toBe(3)
})

it("takes a name of half a million dots", () => {
  const name = `${"a.".repeat(500_000)}end`
  const tree = buildModuleTree(columnsOf([{ name }, { name: "b" }]))
  expect(mapOf(tree, ALL).children).toHaveLength(2)
  let deepest: ModuleNode = tree
  while (deepest.children !== undefined) deepest = [...deepest.children.values()][0] ?? deepest
  const path = pathTo(deepest)
  expect(path).toHaveLength(64)
  expect(path.map(({ label }) => label).join(".")).toBe(name)
})
