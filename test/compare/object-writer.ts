/** Writes the object of a checkpoint: a dict of tensors in every form that torch.save and its users have written. */

import { DTYPES, type Dtype } from "../property/dtypes.ts"
import type { Making } from "./checkpoint.ts"
import {
  call,
  complex,
  dict,
  FALSE,
  float,
  global,
  int,
  LATIN1,
  list,
  NONE,
  ORDERED,
  type Parts,
  TRUE,
  tuple,
} from "./pickle-parts.ts"
import { ODD_STATES, PLAIN_STATES } from "./states.ts"

/** A storage that the object refers to. */
export interface WrittenStorage {
  readonly key: string
  readonly dtype: Dtype
  readonly bytes: Uint8Array
  /** Whether tensors refer to it as an untyped one. */
  readonly untyped: boolean
  /** As its first mention says: of the storage class, or 1. */
  itemBytes: number
}

const UTILS = "torch._utils"

/** Keys that Python takes for one another, and some that it does not. */
const EQUAL_KEYS: readonly Parts[] = [
  int(0),
  int(1),
  TRUE,
  FALSE,
  float(1),
  float(0),
  float(-0),
  complex(1, 0),
  complex(0, -0),
  complex(1, 1),
  float(2 ** 53),
  int(2n ** 53n),
  float(1e300),
  [["BINUNICODE", "1"]],
  NONE,
  tuple(int(1), int(2)),
  tuple(TRUE, float(2)),
  tuple(tuple(int(1)), [["BINUNICODE", "a"]]),
  tuple(tuple(complex(1, 0)), [["SHORT_BINSTRING", "a"]]),
  list(),
  LATIN1,
]

const FLAGS: readonly (readonly [string, Parts])[] = [
  ["0", int(0)],
  ["1", int(1)],
  ["None", NONE],
  ["1.0", float(1)],
  ["text", [["BINUNICODE", "x"]]],
  ["a tuple", tuple()],
]

const HOOKS: readonly (readonly [string, Parts])[] = [
  ["None", NONE],
  ["a dict with entries", dict([int(1), int(2)])],
  ["a list", list()],
  ["an int", int(5)],
]

const neg = (value: Parts): Parts => dict([[["BINUNICODE", "neg"]], value])

const METADATA: readonly (readonly [string, Parts])[] = [
  ["an empty dict", dict()],
  ["False", FALSE],
  ["0", int(0)],
  ["an empty list", list()],
  ["an int", int(1)],
  ["neg: False", neg(FALSE)],
  ["neg: 1", neg(int(1))],
  ["another key", dict([[["BINUNICODE", "x"]], TRUE])],
  ["a key that is an int", dict([int(1), TRUE])],
  ["an OrderedDict", [...ORDERED, ["BINUNICODE", "neg"], "NEWTRUE", "SETITEM"]],
]

export class ObjectWriter {
  readonly storages = new Map<string, WrittenStorage>()
  readonly #making: Making
  readonly #made: WrittenStorage[] = []

  constructor(making: Making) {
    this.#making = making
    const { random } = making
    for (let i = random.between(1, 3); i > 0; i--) this.#made.push(this.#storage(i))
  }

  /** The value, ready for its STOP. */
  write(): Parts {
    const { random, text } = this.#making
    const count = random.between(1, 5)
    const entries = Array.from({ length: count }, (_, i) => this.#entry(i))
    if (this.#making.odd("keys that are equal", 0.12)) {
      for (let i = random.between(2, 5); i > 0; i--) {
        entries.push([random.pick(EQUAL_KEYS), random.chance(0.6) ? this.#tensor() : NONE])
      }
    }
    if (random.chance(0.2)) entries.push([text("nested"), list(this.#tensor(), this.#beside())])
    if (random.chance(0.2)) entries.push([text("beside"), this.#beside()])
    if (this.#making.odd("a str of Python 2 that is not UTF-8", 0.02)) entries.push([text("name"), LATIN1])
    return this.#mapping(entries)
  }

  #mapping(entries: readonly (readonly [Parts, Parts])[]): Parts {
    const { random, text } = this.#making
    const items = ["MARK", ...entries.flat(2), "SETITEMS"]
    const pairs = list(...entries.map(([key, value]) => tuple(key, value)))
    const ordered = global("collections", "OrderedDict")
    const metadata = dict([text("_metadata"), dict()])
    return random.weighted<Parts>([
      [5, ["EMPTY_DICT", ...items]],
      [5, [...ORDERED, ...items]],
      [1, [...ORDERED, ...items, ...metadata, "BUILD"]],
      [1, call(ordered, pairs)],
      [1, [...call(ordered, tuple()), ...items]],
      [1, call(ordered, tuple(...entries.map(([key, value]) => tuple(key, value))))],
    ])
  }

  #entry(index: number): readonly [Parts, Parts] {
    const { random, text } = this.#making
    const key = random.weighted<Parts>([
      [8, text(random.pick(["weight", "bias", "é", "a.b", `layer.${index}`]))],
      [1, int(random.below(300))],
      [1, int(-1 - random.below(70_000))],
    ])
    return [key, this.#tensor()]
  }

  #beside(): Parts {
    const { random, text } = this.#making
    return random.pick([
      NONE,
      TRUE,
      int(2n ** 40n),
      float(0.5),
      text("x"),
      list(int(1), text("y")),
      complex(1, 2),
      tuple(),
      call(global("__builtin__", "set"), list(int(1), TRUE, float(1))),
      call(global("torch", "Size"), list(int(2), int(3))),
      call(global("torch", "device"), text("cpu")),
      call(global("collections", "Counter"), dict([text("a"), int(3)])),
      call(global("_codecs", "encode"), text("bytes"), text("latin1")),
    ])
  }

  #storage(index: number): WrittenStorage {
    const { random, layout } = this.#making
    const typed = DTYPES.filter(({ storageClass }) => storageClass !== undefined)
    const dtype = layout === "legacy" || random.chance(0.7) ? random.pick(typed) : random.pick(DTYPES)
    const bytes = new Uint8Array(
      dtype.itemBytes *
        random.weighted([
          [8, random.below(20)],
          [1, random.below(90)],
          [1, 0],
        ]),
    )
    const edges = [0, 0xff, 0x7f, 0x7c, 0xfc, 0x80, 1]
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = random.chance(0.4) ? random.pick(edges) : random.below(256)
    const key = layout === "zip" ? String(this.#made.length) : String(94_000_000 + 1000 * index)
    const untyped = layout === "zip" && random.chance(0.15)
    return { key, dtype, bytes, untyped, itemBytes: dtype.itemBytes }
  }

  /** A tensor in one of its forms. */
  #tensor(): Parts {
    const { random } = this.#making
    const plain = this.#making.odd("form: _rebuild_tensor", 0.05)
    const { arguments: given, name } = this.#view(plain)
    const rebuilt = call(global(UTILS, name), ...given)
    const flag = this.#making.oddOf("requires_grad of a parameter", 0.02, FLAGS, FALSE)
    const hooks = this.#making.oddOf("hooks of a parameter", 0.01, HOOKS, ORDERED)
    return random.weighted<() => Parts>([
      [10, () => rebuilt],
      [2, () => call(global(UTILS, "_rebuild_parameter"), rebuilt, flag, hooks)],
      [1, () => call(global(UTILS, "_rebuild_parameter_with_state"), rebuilt, flag, hooks, this.#state())],
      [1, () => this.#fromType(name, given)],
    ])()
  }

  #fromType(name: string, given: readonly Parts[]): Parts {
    const classes = [global("torch", "Tensor"), global("torch.nn.parameter", "Parameter")]
    const type = this.#making.random.pick(classes)
    return call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      [global(UTILS, name)],
      [type],
      tuple(...given),
      this.#state(),
    )
  }

  #state(): Parts {
    const { random } = this.#making
    const states = ODD_STATES(() => call(global(UTILS, "_rebuild_tensor_v2"), ...this.#view(false).arguments))
    return this.#making.oddOf("state", 0.4, states, random.pick(PLAIN_STATES))
  }

  /** A view of one of the storages, and the function that rebuilds it. */
  #view(plain: boolean): { readonly name: string; readonly arguments: readonly Parts[] } {
    const { random, layout } = this.#making
    const storage = random.pick(this.#made)
    const own = storage.dtype
    const isUntyped = own.storageClass === undefined || storage.untyped
    // torch takes a storage for bytes from its first untyped mention on.
    const untyped = isUntyped || (layout === "zip" && this.#making.odd("a storage untyped and typed", 0.03))
    const dtype = untyped && random.chance(0.2) ? random.pick(DTYPES) : own
    const elements = Math.floor(storage.bytes.length / dtype.itemBytes)
    const rank = random.below(4)
    const shape = Array.from({ length: rank }, () =>
      random.weighted([
        [8, random.between(1, 3)],
        [1, 0],
      ]),
    )
    const strides = this.#strides(shape)
    const reach = shape.includes(0)
      ? 0
      : 1 + shape.reduce((sum, size, d) => sum + (size - 1) * (strides[d] as number), 0)
    const beyond = this.#making.odd("a view out of bounds", 0.01) ? random.between(1, 3) : 0
    const fits = reach <= elements
    const [size, stride] = fits ? [shape, strides] : [[elements], [1]]
    const offset = fits
      ? random.below(elements - reach + 1) + (beyond > 0 ? elements - reach + beyond : 0)
      : beyond
    const grad = this.#making.oddOf("requires_grad", 0.02, FLAGS, FALSE)
    const wanted = this.#making.odd("wants gradients", 0.03) ? TRUE : grad
    const hooks = this.#making.oddOf("hooks", 0.01, HOOKS, ORDERED)
    const base = [
      this.#mention(storage, untyped),
      this.#making.oddOf(
        "an offset that is no int",
        0.004,
        [
          ["True", TRUE],
          ["a float", float(0)],
        ],
        int(offset),
      ),
      this.#sizes(size),
      this.#sizes(stride),
    ]
    if (plain && !isUntyped) return { name: "_rebuild_tensor", arguments: base }
    const metadata = this.#metadata(dtype)
    const rest = [wanted, hooks, ...(untyped ? [[global("torch", dtype.torch)]] : []), ...metadata]
    const name = untyped ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2"
    return { name, arguments: [...base, ...rest] }
  }

  #strides(shape: readonly number[]): readonly number[] {
    const { random } = this.#making
    if (random.chance(0.3)) return shape.map(() => random.below(4))
    const strides: number[] = []
    let step = 1
    for (const size of shape.toReversed()) {
      strides.unshift(step)
      step *= Math.max(1, size)
    }
    return random.chance(0.2) ? strides.toReversed() : strides
  }

  #sizes(values: readonly number[]): Parts {
    const items = values.map((value) => int(value))
    const odd = this.#making.oddOf<((parts: readonly Parts[]) => Parts) | undefined>(
      "sizes",
      0.008,
      [
        ["a list", (parts) => list(...parts)],
        ["a torch.Size", (parts) => call(global("torch", "Size"), list(...parts))],
        ["bools", (parts) => tuple(...parts.map(() => TRUE))],
        ["a float", (parts) => tuple(...parts.map(() => float(1)))],
        ["negative", (parts) => tuple(...parts.map(() => int(-1)))],
        ["an int", () => int(1)],
      ],
      undefined,
    )
    return odd === undefined ? tuple(...items) : odd(items)
  }

  #metadata({ torch, negation }: Dtype): readonly Parts[] {
    const { random, text } = this.#making
    const odd = this.#making.oddOf<Parts | undefined>("metadata", 0.03, METADATA, undefined)
    if (odd !== undefined) return [odd]
    const isComplex = torch.startsWith("complex")
    const bits: (readonly [Parts, Parts])[] = []
    if (isComplex && random.chance(0.3)) bits.push([text("conj"), TRUE])
    if (negation !== "none" && random.chance(0.12)) bits.push([text("neg"), TRUE])
    if (this.#making.odd("a conj bit on any dtype", 0.005)) bits.push([text("conj"), TRUE])
    if (this.#making.odd("a neg bit on any dtype", 0.005)) bits.push([text("neg"), TRUE])
    return bits.length > 0 ? [dict(...bits)] : []
  }

  #mention(storage: WrittenStorage, untyped: boolean): Parts {
    const { layout, text, random } = this.#making
    const { key, dtype, bytes } = storage
    const itemBytes = untyped ? 1 : dtype.itemBytes
    if (!this.storages.has(key)) {
      storage.itemBytes = itemBytes
      this.storages.set(key, storage)
    }
    const type = untyped
      ? global("torch.storage", "UntypedStorage")
      : global(random.chance(0.1) ? "torch.cuda" : "torch", dtype.storageClass ?? "")
    const other = this.#making.odd("a storage of another class", 0.01)
    const location = this.#making.oddOf(
      "location",
      0.03,
      [
        ["meta", "meta"],
        ["another", "xyz"],
      ],
      "cpu",
    )
    const device = random.chance(0.1) && location === "cpu" ? "cuda:0" : location
    const shownKey = this.#making.odd("a key that is an int", 0.005) ? int(Number(key)) : text(key)
    const count = bytes.length / itemBytes + (this.#making.odd("a count that is too large", 0.004) ? 1 : 0)
    const fields = [
      text(this.#making.odd("a tag that is no storage", 0.003) ? "module" : "storage"),
      [other ? global("torch", "CharStorage") : type],
      shownKey,
      text(device),
      int(count),
      ...(layout === "legacy" ? [NONE] : []),
    ]
    const arity = this.#making.oddOf(
      "fields of a persistent id",
      0.01,
      [
        ["one less", -1],
        ["one more", 1],
      ],
      0,
    )
    if (arity < 0) fields.pop()
    if (arity > 0) fields.push(NONE)
    return [...tuple(...fields), "BINPERSID"]
  }
}
