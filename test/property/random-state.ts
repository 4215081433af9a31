/** Random state dicts: any dtype, shape and view, sharing, nesting, names and file style. */

import fc from "fast-check"
import type { ConvertOptions } from "../../src/index.ts"
import type { CheckpointStyle } from "./checkpoint-writer.ts"
import { DTYPES, type Dtype } from "./dtypes.ts"
import {
  elementCount,
  elementsNeeded,
  Float,
  noise,
  type TestStorage,
  type TestTensor,
  type TestValue,
  Tuple,
} from "./model.ts"
import { makeView, type ViewSeed, view } from "./random-view.ts"
import type { NamedTensors } from "./slow-reference.ts"

/** One case: what is in the file, how it is written, how it is converted, and what lies under the root. */
export interface RandomCheckpoint {
  readonly value: TestValue
  readonly tensors: NamedTensors
  readonly root: readonly string[]
  readonly outsideRoot: number
  readonly style: CheckpointStyle
  readonly options: ConvertOptions
}

interface TensorSeed {
  readonly dtype: Dtype
  readonly view: ViewSeed
  readonly storage: number
  readonly likeAnother: number | undefined
  readonly conj: boolean
  readonly neg: boolean
  readonly untyped: boolean
  readonly parameter: boolean
  readonly viewStart: number
}

const tensorSeed: fc.Arbitrary<TensorSeed> = fc.record({
  dtype: fc.constantFrom(...DTYPES),
  view,
  storage: fc.nat(7),
  likeAnother: fc.option(fc.nat(7), { freq: 4, nil: undefined }),
  conj: fc.boolean(),
  neg: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  untyped: fc.boolean(),
  parameter: fc.boolean(),
  viewStart: fc.nat(3),
})

interface StorageSeed {
  readonly dtype: Dtype
  readonly typed: boolean
  readonly slack: number
  readonly noise: number
}

const storageSeed: fc.Arbitrary<StorageSeed> = fc.record({
  dtype: fc.constantFrom(...DTYPES),
  typed: fc.boolean(),
  slack: fc.nat(3),
  noise: fc.nat(),
})

/** A tensor without its storage, whose size depends on all tensors in it. */
type Placed = Omit<TestTensor, "storage"> & { readonly storage: number }

function place(
  seeds: readonly TensorSeed[],
  storages: readonly StorageSeed[],
  legacy: boolean,
): readonly Placed[] {
  const placed: Placed[] = []
  for (const seed of seeds) {
    const index = seed.storage % storages.length
    const other = seed.likeAnother === undefined ? undefined : placed[seed.likeAnother % (placed.length || 1)]
    const storage = storages[other?.storage ?? index]
    if (other !== undefined) {
      placed.push(seed.untyped ? other : { ...other, parameter: seed.parameter })
      continue
    }
    const typed = storage?.typed === true && storage.dtype.storageClass !== undefined
    const dtype = typed ? storage.dtype : seed.dtype
    const made = makeView(seed.view)
    // Values of four bits are counted in pairs along the last dimension, so there must be one.
    const lone = dtype.safetensors === "F4" && made.shape.length === 0
    const { shape, strides } = lone ? { shape: [1], strides: [1] } : made
    placed.push({
      kind: "tensor",
      storage: index,
      dtype,
      offset: made.offset,
      shape,
      strides,
      conj: seed.conj && dtype.safetensors === "C64",
      neg: seed.neg && dtype.negation !== "none",
      // torch saves typed and untyped mentions of one storage only where it is one of bytes.
      untyped: !typed || (dtype.torch === "uint8" && seed.untyped && seed.view.offset % 2 === 0),
      parameter: seed.parameter,
      viewStart: legacy && elementCount(shape) > 0 ? Math.min(seed.viewStart, made.offset) : 0,
    })
  }
  return placed
}

function makeTensors(
  seeds: readonly TensorSeed[],
  storages: readonly StorageSeed[],
  legacy: boolean,
): readonly TestTensor[] {
  const placed = place(seeds, storages, legacy)
  const made = storages.map((seed, index): TestStorage => {
    const typed = seed.typed && seed.dtype.storageClass !== undefined
    const bytes = placed
      .filter(({ storage }) => storage === index)
      .map((t) => elementsNeeded(t.offset, t.shape, t.strides) * t.dtype.itemBytes)
    const itemBytes = typed ? seed.dtype.itemBytes : 1
    const byteLength = Math.max(0, ...bytes) + seed.slack * itemBytes
    return { key: String(index), dtype: typed ? seed.dtype : undefined, bytes: noise(byteLength, seed.noise) }
  })
  const known = new Map<Placed, TestTensor>()
  return placed.map((tensor) => {
    const storage = made[tensor.storage]
    if (storage === undefined) throw new Error("no storage")
    // One object stays one object: a pickle may write it once and recall it.
    const whole = known.get(tensor) ?? { ...tensor, storage }
    known.set(tensor, whole)
    // A part of a storage counts in elements of the storage, which an untyped one does not have.
    return whole.untyped && whole.viewStart > 0 ? withoutPart(tensor, whole, known) : whole
  })
}

function withoutPart(tensor: Placed, whole: TestTensor, known: Map<Placed, TestTensor>): TestTensor {
  const changed = { ...whole, viewStart: 0 }
  known.set(tensor, changed)
  return changed
}

const ODD_NAMES = [
  "__proto__",
  "constructor",
  "format",
  "10",
  "2",
  "-1",
  "00",
  "",
  ".",
  "\ufeff",
  "\u{1f642}",
  "\uffff",
  "\u{10000}",
  '"\\/',
  "\u2028\n",
  "layers.0.weight",
  "layers.0.bias",
  "x".repeat(300),
]

const name = fc
  .oneof(fc.constantFrom(...ODD_NAMES), fc.string({ unit: "binary", maxLength: 12 }))
  .filter((text) => !text.includes("\0") && text !== "__metadata__")

type Shape = "plain" | "training" | "only child" | "lists" | "all" | "path" | "alone"

/** What a checkpoint of that shape holds, and where in it the tensors are. */
function nest(
  shape: Shape,
  names: readonly string[],
  tensors: readonly TestTensor[],
): Omit<RandomCheckpoint, "style" | "options"> & { readonly rootOption: ConvertOptions["root"] } {
  const named = new Map(tensors.map((each, i) => [names[i] ?? `unnamed.${i}`, each] as const))
  const [other] = tensors
  const keyed = new Map<string | number, TestValue>(
    Array.from(named, ([key, each]) => [/^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : key, each]),
  )
  const found = { tensors: named, outsideRoot: 0, rootOption: undefined }
  switch (shape) {
    case "plain":
      return { ...found, value: keyed, root: [] }
    case "training": {
      const state = new Map([[0, new Map([["step", other ?? null]])]])
      const value = new Map<string, TestValue>([
        ["epoch", 3],
        ["loss", new Float(0.25)],
        ["optimizer", new Map<string, TestValue>([["state", state]])],
        ["state_dict", keyed],
      ])
      return { ...found, value, root: ["state_dict"], outsideRoot: 1 }
    }
    case "only child": {
      const value = new Map<string, TestValue>([
        ["epoch", 70_000],
        ["zz", keyed],
      ])
      return { ...found, value, root: ["zz"] }
    }
    case "lists": {
      const value = [new Tuple([...named.values()]), [other ?? null]]
      const all = [...named.values()].map((each, i) => [`0.${i}`, each] as const)
      const both = new Map([...all, ...(other === undefined ? [] : [["1.0", other] as const])])
      return { ...found, value, tensors: both, root: [], rootOption: "all" }
    }
    case "all": {
      const value = new Map<string, TestValue>([
        ["a", named],
        ["b.c", new Map([["d", named]])],
      ])
      const both = ["a.", "b.c.d."].flatMap((prefix) =>
        Array.from(named, ([key, each]) => [prefix + key, each] as const),
      )
      return { ...found, value, tensors: new Map(both), root: [], rootOption: "all" }
    }
    case "path": {
      const value = new Map<string, TestValue>([
        ["a", new Map([[1, named]])],
        ["b", named],
      ])
      return { ...found, value, root: ["a", "1"], rootOption: ["a", "1"], outsideRoot: named.size }
    }
    case "alone": {
      const [first] = tensors
      if (first === undefined) throw new Error("no tensor")
      return { ...found, value: first, tensors: new Map([["tensor", first]]), root: [] }
    }
  }
}

/** Checkpoints in one layout. */
export function randomCheckpoint(layout: "zip" | "legacy"): fc.Arbitrary<RandomCheckpoint> {
  const style = fc.record({
    protocol: fc.constantFrom<(2 | 4)[]>(2, 4),
    ordered: fc.boolean(),
    memo: fc.boolean(),
    torch: fc.boolean(),
    checksums: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    byteOrder: fc.constantFrom<("little" | "big")[]>("little", "little", "big"),
    prefix: fc.constantFrom("archive", "model", "a.b", "\u00e9"),
    deflate: fc.constantFrom("nothing", "nothing", "pickle", "odd storages", "everything"),
  })
  const options = fc.record(
    {
      shared: fc.constantFrom<("alias" | "copy")[]>("alias", "copy"),
      metadata: fc.constantFrom({}, { format: "pt" }, { "10": "\u{1f642}", "2": '"', format: "pt" }),
      verify: fc.constantFrom<("crc" | "none")[]>("crc", "none"),
      keep: fc.constantFrom<(string | string[])[]>("*", "?*1*", ["10", "layers.*", "x*"], ["*e*"]),
    },
    { requiredKeys: [] },
  )
  return fc
    .record({
      seeds: fc.array(tensorSeed, { minLength: 1, maxLength: 8 }),
      storages: fc.array(storageSeed, { minLength: 1, maxLength: 5 }),
      names: fc.uniqueArray(name, { minLength: 8, maxLength: 8 }),
      shape: fc.constantFrom<Shape[]>(
        "plain",
        "plain",
        "training",
        "only child",
        "lists",
        "all",
        "path",
        "alone",
      ),
      style,
      options,
    })
    .map(({ seeds, storages, names, shape, style: { deflate, ...rest }, options: given }) => {
      const { rootOption, ...held } = nest(shape, names, makeTensors(seeds, storages, layout === "legacy"))
      const deflated = (member: string): boolean =>
        deflate === "everything" ||
        (deflate === "pickle" && member.endsWith(".pkl")) ||
        (deflate === "odd storages" && /[13579]$/.test(member))
      // A legacy file that says it is big-endian is believed only when the caller says so too.
      const byteOrder = layout === "legacy" ? { byteOrder: rest.byteOrder } : {}
      const root = rootOption === undefined ? {} : { root: rootOption }
      return { ...held, style: { ...rest, deflated, layout }, options: { ...given, ...byteOrder, ...root } }
    })
}
