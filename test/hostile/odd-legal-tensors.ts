/** Odd tensors and storages that are right: all of them convert, to what `tensor.contiguous()` holds in torch. */

import { hex, type Part, repeat } from "../pickle/assemble.ts"
import type { LegalCase } from "./case.ts"
import {
  acceptPickle,
  call,
  floats,
  global,
  int,
  ints,
  type LegalParts,
  stateDict,
  storage,
  storageClass,
  type TensorParts,
  tensor,
  tensorV3,
  text,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

/** A checkpoint of one tensor, and what comes out. */
export const one = (
  section: SectionId,
  name: string,
  value: readonly Part[],
  [dtype, shape, bytes]: readonly [dtype: string, shape: readonly number[], bytes: Uint8Array],
  more: LegalParts = {},
): LegalCase =>
  acceptPickle(section, name, stateDict([[text("weight")], value]), {
    ...more,
    tensors: [{ name: "weight", dtype, shape, bytes }],
  })

const view = (
  section: SectionId,
  name: string,
  [shape, strides, offset]: readonly [shape: readonly number[], strides: readonly number[], offset?: number],
  ...values: readonly number[]
): LegalCase =>
  one(section, name, tensor({ size: ints(...shape), stride: ints(...strides), offset: [int(offset ?? 0)] }), [
    "F32",
    shape,
    floats(...values),
  ])

const VIEWS: readonly LegalCase[] = [
  view("bounds", "a scalar at the end", [[], [], 3], 4),
  view("bounds", "the last two of four", [[2], [1], 2], 3.5, 4),
  view("bounds", "every second", [[2], [2], 1], -2, 4),
  view(
    "bounds",
    "a turned matrix",
    [
      [2, 2],
      [1, 2],
    ],
    1,
    3.5,
    -2,
    4,
  ),
  view(
    "bounds",
    "windows that overlap",
    [
      [3, 2],
      [1, 1],
    ],
    1,
    -2,
    -2,
    3.5,
    3.5,
    4,
  ),
  view(
    "bounds",
    "a stride of 2^52 over one element",
    [
      [1, 4],
      [2 ** 52, 1],
    ],
    1,
    -2,
    3.5,
    4,
  ),
  view("bounds", "nothing, at the end", [[0], [1], 4]),
  view("bounds", "nothing, beyond the end", [[0], [1], 2 ** 40]),
  view("bounds", "nothing, in the middle of a shape", [
    [2, 0, 3],
    [0, 3, 1],
  ]),
  view("overflow", "2^40 of nothing", [
    [0, 2 ** 40],
    [1, 1],
  ]),
  view("overflow", "nothing of 2^40, the other way round", [
    [2 ** 40, 0],
    [1, 1],
  ]),
  view("expansion", "one element, four times", [[4], [0], 1], -2, -2, -2, -2),
  view("expansion", "one row, twice, of two", [[2, 2], [0, 1], 2], 3.5, 4, 3.5, 4),
  one(
    "tensor-types",
    "64 dimensions",
    tensor({
      size: ["MARK", repeat(63, int(1)), int(4), "TUPLE"],
      stride: ["MARK", repeat(64, int(1)), "TUPLE"],
    }),
    ["F32", [...Array<number>(63).fill(1), 4], WEIGHT],
  ),
  one(
    "tensor-types",
    "sizes and strides as lists, as torch takes them",
    tensor({ size: ["EMPTY_LIST", int(4), "APPEND"], stride: ["EMPTY_LIST", int(1), "APPEND"] }),
    ["F32", [4], WEIGHT],
  ),
  one(
    "tensor-types",
    "a size that is a torch.Size",
    tensor({ size: call(global("torch", "Size"), ints(4)) }),
    ["F32", [4], WEIGHT],
  ),
  one("tensor-types", "anything as hooks", tensor({ requiresGrad: ["NEWTRUE"], hooks: ["EMPTY_LIST"] }), [
    "F32",
    [4],
    WEIGHT,
  ]),
  one("tensor-types", "None as metadata", tensor({ more: [["NONE"]] }), ["F32", [4], WEIGHT]),
]

const untyped = (dtype: string, parts: TensorParts = {}, bytes = 16): readonly Part[] =>
  tensorV3([global("torch", dtype)], parts, bytes)

const DTYPES: readonly LegalCase[] = [
  ...(
    [
      ["uint16", "U16", 8],
      ["uint32", "U32", 4],
      ["uint64", "U64", 2],
      ["float8_e4m3fn", "F8_E4M3", 16],
      ["float8_e5m2", "F8_E5M2", 16],
      ["float8_e4m3fnuz", "F8_E4M3FNUZ", 16],
      ["float8_e5m2fnuz", "F8_E5M2FNUZ", 16],
      ["float8_e8m0fnu", "F8_E8M0", 16],
      ["bfloat16", "BF16", 8],
      ["bool", "BOOL", 16],
    ] as const
  ).map(([dtype, name, count]) =>
    one("storage-dtype", `${dtype} over an untyped storage`, untyped(dtype, { size: ints(count) }), [
      name,
      [count],
      dtype === "bool" ? WEIGHT.map((byte) => (byte === 0 ? 0 : 1)) : WEIGHT,
    ]),
  ),
  one(
    "storage-dtype",
    "two values a byte: a shape of 8 becomes 16",
    untyped("float4_e2m1fn_x2", { size: ints(2, 8), stride: ints(8, 1) }),
    ["F4", [2, 16], WEIGHT],
  ),
  one(
    "storage-dtype",
    "a storage of a GPU",
    tensor({
      storage: storage({ type: [global("torch.cuda", "FloatStorage")], location: [text("cuda:7")] }),
    }),
    ["F32", [4], WEIGHT],
  ),
  one(
    "storage-dtype",
    "an untyped storage under its other name",
    untyped("float32", { storage: storage({ type: [global("torch", "UntypedStorage")], count: [int(16)] }) }),
    ["F32", [4], WEIGHT],
  ),
  one(
    "storage-size",
    "15 bytes, of which 12 are floats",
    untyped("float32", { size: ints(3) }, 15),
    ["F32", [3], WEIGHT.subarray(0, 12)],
    { storages: { 0: WEIGHT.subarray(0, 15) } },
  ),
  one(
    "storage-size",
    "no bytes, for no elements",
    tensor({ size: ints(0), storage: storage({ count: [int(0)] }) }),
    ["F32", [0], new Uint8Array(0)],
    { storages: { 0: new Uint8Array(0) } },
  ),
  one("storage-size", "a storage that is larger than its tensor", tensor({ size: ints(1) }), [
    "F32",
    [1],
    floats(1),
  ]),
  one(
    "storage-key",
    "an address of 20 digits, as torch 1.6 wrote",
    tensor({ storage: storage({ key: [text("18446744073709551615")] }) }),
    ["F32", [4], WEIGHT],
    { storages: { "18446744073709551615": WEIGHT } },
  ),
  one(
    "storage-key",
    "a key with a zero first",
    tensor({ storage: storage({ key: [text("007")] }) }),
    ["F32", [4], WEIGHT],
    { storages: { "007": WEIGHT } },
  ),
  one(
    "bool-bytes",
    "bytes 2 and 255 are written as 1, which is what torch takes them for",
    tensor({ storage: storage({ type: storageClass("BoolStorage"), count: [int(4)] }) }),
    ["BOOL", [4], hex("00 01 01 01")],
    { storages: { 0: hex("00 01 02 ff") } },
  ),
  one(
    "overflow",
    "a NaN keeps its payload",
    tensor({ size: ints(2), stride: ints(0) }),
    ["F32", [2], hex("01 00 a0 7f 01 00 a0 7f")],
    { storages: { 0: hex("0100a07f 00000000 00000000 00000000") } },
  ),
  acceptPickle(
    "storage-conflict",
    "one storage under two dtypes that the tensors say themselves",
    stateDict([[text("a")], untyped("float32")], [[text("b")], untyped("int16", { size: ints(8) })]),
    { tensors: [weight("a"), { name: "b", dtype: "I16", shape: [8], bytes: WEIGHT }] },
  ),
  acceptPickle(
    "storage-conflict",
    "one storage typed, and then untyped",
    stateDict([[text("a")], tensor()], [[text("b")], untyped("int32")]),
    { tensors: [weight("a"), { name: "b", dtype: "I32", shape: [4], bytes: WEIGHT }] },
  ),
]

/** Every case of this file. */
export const ODD_LEGAL_TENSORS: readonly LegalCase[] = [...VIEWS, ...DTYPES]
