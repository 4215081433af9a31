/** Tensors that reach outside their storage, overflow, or grow. */

import type { ErrorCode } from "../../src/index.ts"
import { type Part, repeat } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  type CaseParts,
  call,
  global,
  HERE,
  int,
  ints,
  ORDERED_DICT,
  refusePickle,
  stateDict,
  storage,
  storageClass,
  type TensorParts,
  tensor,
  tensorArguments,
  tensorV3,
  text,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

/** A checkpoint of one tensor, whose rebuilding is refused. */
export const tensorCase = (
  section: SectionId,
  name: string,
  code: ErrorCode,
  parts: TensorParts,
  more: CaseParts = {},
): HostileCase => refusePickle(section, name, code, stateDict([[text("weight")], tensor(parts, HERE)]), more)

export const size = (...values: readonly (number | bigint)[]): TensorParts => ({ size: ints(...values) })
const view = (
  shape: readonly (number | bigint)[],
  strides: readonly (number | bigint)[],
  offset: number | bigint = 0,
): TensorParts => ({
  size: ints(...shape),
  stride: ints(...strides),
  offset: [int(offset)],
})
const DOUBLES = storage({ type: storageClass("DoubleStorage"), count: [int(2)] })

const BOUNDS: readonly HostileCase[] = (
  [
    ["an element more", size(5)],
    ["an offset of one", { offset: [int(1)] }],
    ["an offset at the end, of a scalar", view([], [], 4)],
    ["an offset far away", view([1], [1], 2 ** 40)],
    ["a stride of two", view([4], [2])],
    ["two rows that overlap the end by one", view([2, 2], [3, 1], 1)],
    ["a column that ends one later", view([2, 2], [1, 4])],
    ["a dimension of one with an offset outside", view([1, 1], [0, 0], 4)],
    ["twice as wide a dtype", { ...size(4), storage: DOUBLES }],
    ["a thousand million elements", size(10 ** 9)],
  ] as const
).map(([name, parts]) => tensorCase("bounds", name, "tensor-bounds", parts))

const MORE_BOUNDS: readonly HostileCase[] = [
  refusePickle("bounds", "five floats of an untyped storage of 16 bytes", "tensor-bounds", [
    ...stateDict([[text("weight")], tensorV3([global("torch", "float32")], size(5), 16, HERE)]),
  ]),
  refusePickle(
    "bounds",
    "a float64 across the end of an untyped storage of 15 bytes",
    "tensor-bounds",
    [...stateDict([[text("weight")], tensorV3([global("torch", "float64")], size(2), 15, HERE)])],
    { storages: { 0: new Uint8Array(15) } },
  ),
  refusePickle("bounds", "behind a good tensor", "tensor-bounds", beside(tensor(size(5), HERE))),
  refusePickle("bounds", "as the data of a parameter", "tensor-bounds", [
    ...stateDict([
      [text("weight")],
      call(global("torch._utils", "_rebuild_parameter"), tensor(size(5), HERE), ["NEWTRUE"], ORDERED_DICT),
    ]),
  ]),
  refusePickle("bounds", "by the rebuild function of old files", "tensor-bounds", [
    ...stateDict([
      [text("weight")],
      [
        global("torch._utils", "_rebuild_tensor"),
        "MARK",
        ...storage(),
        int(1),
        ...ints(4),
        ...ints(1),
        "TUPLE",
        HERE,
        "REDUCE",
      ],
    ]),
  ]),
]

const NEGATIVE: readonly HostileCase[] = (
  [
    ["an offset of -1", view([1], [1], -1)],
    ["an offset of -2^31", view([1], [1], -(2 ** 31))],
    ["a size of -1", size(-1)],
    ["sizes of -2 and -2, whose product is 4", view([-2, -2], [2, 1])],
    ["a stride of -1", view([4], [-1], 3)],
    ["a stride of -1 for a dimension of one", view([1], [-1])],
    ["a size of -1 beside zero", view([0, -1], [1, 1])],
  ] as const
).map(([name, parts]) => tensorCase("negative", name, "tensor-argument", parts))

const OVERFLOWS: readonly HostileCase[] = (
  [
    ["a size of 2^53", view([2n ** 53n], [0])],
    ["a size of 2^63", view([2n ** 63n], [0])],
    ["a size of 2^64 + 4, which wraps to 4", size(2n ** 64n + 4n)],
    ["an offset of 2^53", view([1], [1], 2n ** 53n)],
    ["an offset of 2^64, which wraps to 0", view([4], [1], 2n ** 64n)],
    ["a negative size below -2^53", size(-(2n ** 64n) + 4n)],
    ["a stride of 2^62", view([1], [2n ** 62n])],
    ["2^32 x 2^32, whose product wraps to 0", view([2 ** 32, 2 ** 32], [0, 0])],
    ["2^27 x 2^26, whose product is 2^53", view([2 ** 27, 2 ** 26], [0, 0])],
    ["2^30 x 2^30 with strides of zero, which torch loads", view([2 ** 30, 2 ** 30], [0, 0])],
    ["2^52 elements of 4 bytes, whose bytes are 2^54", view([2 ** 52], [0])],
    ["2^50 elements of 8 bytes, whose bytes are 2^53", { ...view([2 ** 50], [0]), storage: DOUBLES }],
    ["2^40 x 2^40 x 0", view([2 ** 40, 2 ** 40, 0], [1, 1, 1])],
    ["0 x 2^40 x 2^40", view([0, 2 ** 40, 2 ** 40], [1, 1, 1])],
    ["a last element at 2^53", view([2], [Number.MAX_SAFE_INTEGER], 1)],
    ["steps that overflow together", view([2 ** 20, 2 ** 20], [2 ** 33, 2 ** 33])],
  ] as const
).map(([name, parts]) => tensorCase("overflow", name, "tensor-overflow", parts))

/** Of the floor and the ratio, the error names the one that allows more. */
const output = { expect: { limit: "outputFloorBytes" } } as const
const expansion = (
  name: string,
  pickle: readonly Part[] | (() => readonly Part[]),
  more: CaseParts = {},
): HostileCase => refusePickle("expansion", name, "limit-exceeded", pickle, { ...output, ...more })
const MEGABYTE = 1_048_576

/** Slices of one storage of 4 MiB, each one element shorter than the last. */
const slices = (count: number, elements = MEGABYTE): readonly Part[] => [
  ...[["PROTO", 2] as const, "EMPTY_LIST", "MARK"],
  ...[...storage({ count: [int(elements)] }), ["BINPUT", 0] as const, "TUPLE1"],
  ...Array.from({ length: count }, (_, i) =>
    tensor({ storage: [["BINGET", 0]], size: ints(elements - i) }),
  ).flat(),
  ...["APPENDS", "STOP"],
]

const EXPANSIONS: readonly HostileCase[] = [
  expansion("2^40 elements of one", stateDict([[text("weight")], tensor(view([2 ** 40], [0]))])),
  expansion("2^50 elements of one", stateDict([[text("weight")], tensor(view([2 ** 50], [0]))])),
  expansion("four of 2^50 elements, whose bytes together are 2^54", [
    ...stateDict(
      ...["a", "b", "c", "d"].map((name, i) => [[text(name)], tensor(view([2 ** 50], [0], i))] as const),
    ),
  ]),
  expansion(
    "4 GiB from 64 KiB",
    stateDict([
      [text("weight")],
      tensor({ ...view([65_536, 16_384], [0, 1]), storage: storage({ count: [int(16_384)] }) }),
    ]),
    {
      storages: { 0: new Uint8Array(65_536) },
    },
  ),
  expansion("rows of four, 20 million times, in dimensions of ten", [
    ...stateDict([
      [text("weight")],
      tensor(view([10, 10, 10, 10, 10, 10, 10, 2, 4], [0, 0, 0, 0, 0, 0, 0, 0, 1])),
    ]),
  ]),
  expansion("40 slices of 4 MiB", slices(40), {
    storages: { 0: new Uint8Array(4 * MEGABYTE) },
    expect: { limit: "outputRatio" },
  }),
  expansion(
    "4,000 names for 64 KiB, written out for each",
    [
      ...[["PROTO", 2] as const, "EMPTY_LIST", "MARK"],
      ...[
        ...tensor({ size: ints(16_384), storage: storage({ count: [int(16_384)] }) }),
        ["BINPUT", 0] as const,
      ],
      ...[repeat(3999, ["BINGET", 0]), "APPENDS", "STOP"],
    ],
    { storages: { 0: new Uint8Array(65_536) }, options: { shared: "copy" } },
  ),
  expansion("one tensor above a lower limit", stateDict([[text("weight")], tensor(view([1000], [0]))]), {
    options: { limits: { outputFloorBytes: 4000, outputRatio: 0 } },
  }),
]

/** Every case of this file. */
export const TENSORS: readonly HostileCase[] = [
  ...BOUNDS,
  ...MORE_BOUNDS,
  ...NEGATIVE,
  ...OVERFLOWS,
  ...EXPANSIONS,
  tensorCase("tensor-types", "the arguments of a tensor twice over", "tensor-argument", {
    storage: tensorArguments(),
  }),
]
