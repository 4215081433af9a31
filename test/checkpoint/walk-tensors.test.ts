import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { ChildCursor, type Container, isContainer } from "../../src/checkpoint/child-cursor.ts"
import { nameTensorsSteps, takeCensus } from "../../src/checkpoint/walk-tensors.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { PickleDict, PickleSet, PickleTuple, type PickleValue } from "../../src/pickle/values.ts"
import { DTYPES, type Tensor } from "../../src/tensors/tensor.ts"
import { unsupportedTensor } from "../../src/torch/rebuild.ts"
import { refusal } from "../pickle/run.ts"
import { extentOf, float, list, tuple } from "../torch/support.ts"

/** A tensor of `elementCount` bytes. */
function tensor(elementCount = 1): Tensor {
  const dtype = DTYPES.get("uint8")
  if (dtype === undefined) throw new Error("no uint8")
  return {
    kind: "object:tensor",
    dtype,
    shape: [elementCount],
    strides: [1],
    elementCount,
    elementOffset: 0,
    storage: {
      index: 0,
      key: "0",
      byteLength: elementCount,
      location: "cpu",
      extent: extentOf("0", elementCount),
    },
    transform: undefined,
  }
}

function dict(...entries: readonly (readonly [PickleValue, PickleValue])[]): PickleDict {
  const made = new PickleDict()
  for (const [key, value] of entries) made.set(key, value)
  return made
}

function set(...items: readonly PickleValue[]): PickleSet {
  return new PickleSet(false, [...items])
}

/** `depth` tuples around `value`. */
function nested(value: PickleValue, depth: number): PickleTuple {
  let outer = tuple(value)
  for (let i = 1; i < depth; i++) outer = tuple(outer)
  return outer
}

const T = tensor()
const withLimits = (limits: Partial<Limits>): Limits => ({ ...DEFAULT_LIMITS, ...limits })

function names(root: Container, limits: Partial<Limits> = {}): readonly string[] {
  const all = withLimits(limits)
  return atOnce(nameTensorsSteps(root, takeCensus(root, DEFAULT_LIMITS), all)).map(({ name }) => name)
}

function childrenOf(container: Container): readonly { key: PickleValue | undefined; value: PickleValue }[] {
  const children = new ChildCursor(container)
  const found: { key: PickleValue | undefined; value: PickleValue }[] = []
  while (children.next()) found.push({ key: children.key, value: children.value })
  return found
}

describe("the items of a container", () => {
  it("gives keys, indices, or nothing", () => {
    expect(childrenOf(dict(["a", 1], [true, 2]))).toEqual([
      { key: "a", value: 1 },
      { key: true, value: 2 },
    ])
    expect(childrenOf(list("x"))).toEqual([{ key: 0, value: "x" }])
    expect(childrenOf(tuple("x"))).toEqual([{ key: 0, value: "x" }])
    expect(childrenOf(set("x"))).toEqual([{ key: undefined, value: "x" }])
    expect([dict(), list(), tuple(), set()].every(isContainer)).toBe(true)
    expect([null, 1, "a", float(1), T, Uint8Array.of(1)].some(isContainer)).toBe(false)
  })
})

/** A holding of weights alone. */
const FLAT = {
  direct: true,
  nested: false,
  optimizerCount: 0,
  randomCount: 0,
  isModules: false,
  hasDotted: false,
  hasParameters: false,
}

describe("the census", () => {
  it("counts what each container holds", () => {
    const inner = dict(["w", tensor(3)], ["b", tensor(4)], ["n", 1])
    const other = list(unsupportedTensor("odd"))
    const root = dict(
      ["model", inner],
      ["again", inner],
      ["other", other],
      ["empty", tuple()],
      ["t", tensor(5)],
    )
    expect(new Map(takeCensus(root, DEFAULT_LIMITS))).toEqual(
      new Map<unknown, unknown>([
        [inner, { ...FLAT, tensorCount: 2, weightCount: 2, byteLength: 7, hasParameters: true }],
        [other, { ...FLAT, tensorCount: 1, weightCount: 1, byteLength: 0 }],
        [root, { ...FLAT, tensorCount: 6, weightCount: 6, byteLength: 19, nested: true }],
      ]),
    )
    expect(takeCensus(list(inner), DEFAULT_LIMITS).get(inner)).toMatchObject({
      tensorCount: 2,
      byteLength: 7,
      direct: true,
    })
    expect(takeCensus(list(list(inner)), DEFAULT_LIMITS).size).toBe(3)
  })

  it("is empty for what is no container", () => {
    for (const value of [null, 1, T, "a"]) expect(takeCensus(value, DEFAULT_LIMITS).size).toBe(0)
  })

  it("counts no tensors in keys", () => {
    const root = dict([tuple(T), 1], [T, 2])
    expect(takeCensus(root, DEFAULT_LIMITS).get(root)).toMatchObject({ tensorCount: 0, direct: false })
  })

  it.each<[what: string, make: () => Container]>([
    [
      "a list in itself",
      () => {
        const self = list()
        self.items.push(self)
        return self
      },
    ],
    [
      "a dict in itself",
      () => {
        const self = dict(["a", T])
        self.set("self", self)
        return self
      },
    ],
    [
      "a list and a dict in each other, below",
      () => {
        const a = list(1)
        const b = dict(["a", a])
        a.items.push(tuple(b))
        return tuple(T, b)
      },
    ],
  ])("refuses a cycle: %s", (_, make) => {
    expect(refusal(() => takeCensus(make(), DEFAULT_LIMITS)).code).toBe("pickle-cycle")
  })

  it("takes the same container in two places for no cycle", () => {
    const shared = list(T)
    expect(names(dict(["a", shared], ["b", tuple(shared)]))).toEqual(["a.0", "b.0.0"])
  })

  it("goes maxNesting deep and no deeper, without recursion", () => {
    const census = (depth: number, maxNesting?: number) =>
      takeCensus(nested(T, depth), maxNesting === undefined ? DEFAULT_LIMITS : withLimits({ maxNesting }))
    expect(census(200).size).toBe(200)
    expect(refusal(() => census(201)).detail).toMatchObject({ limit: "maxNesting", wanted: 201 })
    expect(census(100_000, 100_000).size).toBe(100_000)
    expect(refusal(() => census(100_000)).code).toBe("limit-exceeded")
  })

  it("visits maxNodes values and no more, and looks at no size before it is counted", () => {
    const root = list(list(1, 2), list(3))
    expect(takeCensus(root, withLimits({ maxNodes: 5 })).size).toBe(3)
    expect(refusal(() => takeCensus(root, withLimits({ maxNodes: 4 }))).detail).toMatchObject({
      limit: "maxNodes",
    })
    const wide = new PickleTuple(new Array<PickleValue>(16_000_001).fill(null))
    expect(refusal(() => takeCensus(wide, DEFAULT_LIMITS)).detail).toMatchObject({ wanted: 16_000_001 })
  })

  it("visits what is shared once", () => {
    // 2^40 tensors by forty lists of two.
    let root: Container = list(T)
    for (let i = 0; i < 40; i++) root = list(root, root)
    expect(takeCensus(root, withLimits({ maxNodes: 81 })).get(root)).toMatchObject({ tensorCount: 2 ** 40 })
  })
})

describe("names", () => {
  it("are the keys on the way, joined by dots, in the order of the tree", () => {
    const root = dict(["b", dict(["w", T], ["n", null])], ["a", list(T, "x", tuple(T))], ["t", T])
    expect(names(root)).toEqual(["b.w", "a.0", "a.2.0", "t"])
  })

  it("keep keys as they are", () => {
    const keys = [
      "__proto__",
      "constructor",
      "toString",
      "10",
      "2",
      "",
      "a.b",
      " ",
      "\ufeffw",
      "é",
      "e\u0301",
      "a/../b",
    ]
    expect(names(dict(...keys.map((key) => [key, T] as const)))).toEqual(keys)
  })

  it("write integers in decimal", () => {
    expect(names(dict([0, T], [-1, T], [2n ** 64n, T], ["x", dict([7, T])]))).toEqual([
      "0",
      "-1",
      "18446744073709551616",
      "x.7",
    ])
  })

  it("may collide: telling is not this room's business", () => {
    expect(names(dict(["a.b", T], ["a", dict(["b", T])], ["0", T], [0, T]))).toEqual(["a.b", "a.b", "0", "0"])
  })

  it("include what safetensors cannot hold", () => {
    const odd = unsupportedTensor("a sparse tensor")
    const root = list(odd)
    expect(atOnce(nameTensorsSteps(root, takeCensus(root, DEFAULT_LIMITS), DEFAULT_LIMITS))).toEqual([
      { name: "0", tensor: odd },
    ])
  })

  it.each<[what: string, key: PickleValue]>([
    ["bytes", Uint8Array.of(97)],
    ["a tuple of lists", tuple(list())],
    ["a long tuple", tuple(..."x".repeat(30))],
    ["a tensor", T],
  ])("cannot be made of %s", (_, key) => {
    expect(refusal(() => names(dict([key, T]))).code).toBe("name-type")
    expect(refusal(() => names(dict(["a", dict([key, list(T)])]))).code).toBe("name-type")
    expect(names(dict([key, 1], [tuple(), list()], ["w", T]))).toEqual(["w"])
  })

  it("cannot be made of a member of a set", () => {
    expect(refusal(() => names(dict(["s", set(T)]))).code).toBe("name-type")
    expect(names(dict(["s", set(1)], ["w", T]))).toEqual(["w"])
  })
})

describe("limits on names", () => {
  it("count tensors before they are named", () => {
    let root: Container = list(T)
    for (let i = 0; i < 40; i++) root = list(root, root)
    expect(refusal(() => names(root)).detail).toMatchObject({ limit: "maxTensors", wanted: 2 ** 40 })
    let wider: Container = list(T)
    for (let i = 0; i < 190; i++) wider = list(...new Array<Container>(100).fill(wider))
    expect(refusal(() => names(wider)).detail).toMatchObject({ limit: "maxTensors" })
    expect(names(list(T, T), { maxTensors: 2 })).toHaveLength(2)
    expect(refusal(() => names(list(T, T), { maxTensors: 1 })).code).toBe("limit-exceeded")
  })

  it("count the values around tensors each time they are passed", () => {
    const crowded = list(T, ...new Array<PickleValue>(99).fill(null))
    const root = new PickleTuple(new Array<PickleValue>(100).fill(crowded))
    expect(names(root, { maxNodes: 10_100 })).toHaveLength(100)
    expect(refusal(() => names(root, { maxNodes: 10_099 })).detail).toMatchObject({ limit: "maxNodes" })
  })

  it("bound each name and all names together", () => {
    const root = dict(["abc", dict(["de", T])])
    expect(names(root, { maxNameBytes: 6, maxTotalNameBytes: 9 })).toEqual(["abc.de"])
    expect(refusal(() => names(root, { maxNameBytes: 5 })).detail).toMatchObject({ limit: "maxNameBytes" })
    expect(refusal(() => names(root, { maxTotalNameBytes: 8 })).detail).toMatchObject({
      limit: "maxTotalNameBytes",
    })
  })

  it("stop names that grow with each level", () => {
    const key = "k".repeat(32 * 1024)
    let root = dict([key, T])
    for (let i = 0; i < 150; i++) root = dict([key, root])
    expect(refusal(() => names(root)).detail).toMatchObject({ limit: "maxNameBytes" })
    const limits = { maxNameBytes: 2 ** 40 }
    expect(refusal(() => names(root, limits)).detail).toMatchObject({ limit: "maxTotalNameBytes" })
  })
})
