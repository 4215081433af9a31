/** Odd tensors and storages that are right: all of them convert, to what `tensor.contiguous()` holds in torch. */

import { hex, type Part, repeat } from "../pickle/assemble.ts"
import type { ExpectedTensor, LegalCase } from "./case.ts"
import {
  acceptPickle,
  call,
  dict,
  floats,
  global,
  int,
  ints,
  type LegalParts,
  ORDERED_DICT,
  stateDict,
  storage,
  storageClass,
  type TensorParts,
  tensor,
  tensorArguments,
  tensorV3,
  text,
  tuple,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

/** A checkpoint of one tensor, and what comes out. */
const one = (
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
  one(
    "tensor-types",
    "anything as hooks and as requires_grad",
    tensor({ requiresGrad: [text("perhaps")], hooks: ["EMPTY_LIST"] }),
    ["F32", [4], WEIGHT],
  ),
  one("tensor-types", "None as metadata", tensor({ more: [["NONE"]] }), ["F32", [4], WEIGHT]),
]

const METADATA = (key: string, value = true): readonly Part[] =>
  dict([[text(key)], [value ? "NEWTRUE" : "NEWFALSE"]])
const COMPLEX = storage({ type: storageClass("ComplexFloatStorage"), count: [int(2)] })
const NEGATED = floats(-1, 2, -3.5, -4)

const LAZY: readonly LegalCase[] = [
  one("tensor-metadata", "neg of floats", tensor({ more: [METADATA("neg")] }), ["F32", [4], NEGATED]),
  one("tensor-metadata", "neg of False", tensor({ more: [METADATA("neg", false)] }), ["F32", [4], WEIGHT]),
  one("tensor-metadata", "an empty dict", tensor({ more: [["EMPTY_DICT"]] }), ["F32", [4], WEIGHT]),
  one(
    "tensor-metadata",
    "conj of complex numbers",
    tensor({ storage: COMPLEX, size: ints(2), more: [METADATA("conj")] }),
    ["C64", [2], floats(1, 2, 3.5, -4)],
  ),
  one(
    "tensor-metadata",
    "neg of complex numbers",
    tensor({ storage: COMPLEX, size: ints(2), more: [METADATA("neg")] }),
    ["C64", [2], NEGATED],
  ),
  one(
    "tensor-metadata",
    "conj and neg of complex numbers",
    tensor({
      storage: COMPLEX,
      size: ints(2),
      more: [dict([[text("conj")], ["NEWTRUE"]], [[text("neg")], ["NEWTRUE"]])],
    }),
    ["C64", [2], floats(-1, -2, -3.5, 4)],
  ),
  one(
    "tensor-metadata",
    "neg of ints, the lowest among them",
    tensor({
      storage: storage({ type: storageClass("IntStorage"), count: [int(2)] }),
      size: ints(2),
      more: [METADATA("neg")],
    }),
    ["I32", [2], hex("ffffffff 00000080")],
    { storages: { 0: hex("01000000 00000080") } },
  ),
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
      WEIGHT,
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
    "bytes 2 and 255 pass as they are, as in torch and safetensors",
    tensor({ storage: storage({ type: storageClass("BoolStorage"), count: [int(4)] }) }),
    ["BOOL", [4], hex("00 01 02 ff")],
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

const swapped = (bytes: Uint8Array): Uint8Array => bytes.map((_, i) => bytes[i - (i % 4) + 3 - (i % 4)] ?? 0)
const FROM_TYPE = global("torch._tensor", "_rebuild_from_type_v2")
const PARAMETER = global("torch._utils", "_rebuild_parameter")

const REBUILT: readonly LegalCase[] = [
  one("byte-order", "a big-endian file", tensor(), ["F32", [4], WEIGHT], {
    byteOrder: "big",
    storages: { 0: swapped(WEIGHT) },
  }),
  one("byte-order", "a file that the caller says is big-endian", tensor(), ["F32", [4], WEIGHT], {
    storages: { 0: swapped(WEIGHT) },
    options: { byteOrder: "big" },
  }),
  one("byte-order", "an unknown order that the caller decides", tensor(), ["F32", [4], WEIGHT], {
    byteOrder: "middle",
    options: { byteOrder: "little" },
  }),
  one("byte-order", "none said", tensor(), ["F32", [4], WEIGHT], { byteOrder: undefined }),
  one(
    "from-type",
    "a tensor with attributes, which are dropped",
    call(
      FROM_TYPE,
      [global("torch._utils", "_rebuild_tensor_v2")],
      [global("torch", "Tensor")],
      tensorArguments(),
      dict([[text("__class__")], [text("evil")]]),
    ),
    ["F32", [4], WEIGHT],
  ),
  one(
    "from-type",
    "a buffer",
    call(
      FROM_TYPE,
      [global("torch._utils", "_rebuild_tensor_v2")],
      [global("torch.nn.parameter", "Buffer")],
      tensorArguments(),
      ["NONE"],
    ),
    ["F32", [4], WEIGHT],
  ),
  one(
    "from-type",
    "a parameter of a parameter",
    call(PARAMETER, call(PARAMETER, tensor(), ["NEWTRUE"], ORDERED_DICT), ["NEWFALSE"], ORDERED_DICT),
    ["F32", [4], WEIGHT],
  ),
  one(
    "from-type",
    "a parameter with state",
    call(
      global("torch._utils", "_rebuild_parameter_with_state"),
      tensor(),
      ["NEWTRUE"],
      ORDERED_DICT,
      dict([[text("x")], ["NONE"]]),
    ),
    ["F32", [4], WEIGHT],
  ),
  one(
    "from-type",
    "the rebuild function of old files",
    [global("torch._utils", "_rebuild_tensor"), ...tuple(storage(), [int(0)], ints(4), ints(1)), "REDUCE"],
    ["F32", [4], WEIGHT],
  ),
]

const two = (name: string, count: number): ExpectedTensor => ({
  name,
  dtype: "F32",
  shape: [count],
  bytes: WEIGHT.subarray(0, 4 * count),
})
const SPARSE = [global("torch._utils", "_rebuild_sparse_tensor"), "NONE", "TUPLE1", "REDUCE"]

const CHOICES: readonly LegalCase[] = [
  acceptPickle(
    "unsupported",
    "a sparse tensor that is left out",
    stateDict([[text("weight")], tensor()], [[text("sparse")], SPARSE]),
    { options: { exclude: "sparse" } },
  ),
  acceptPickle(
    "unsupported",
    "a quantized tensor outside the root",
    stateDict(
      [[text("state_dict")], dict([[text("weight")], tensor()])],
      [[text("other")], ["EMPTY_LIST", ...SPARSE, "APPEND"]],
    ),
  ),
  acceptPickle(
    "collision",
    "a rename that parts two names",
    stateDict([[text("a.b")], tensor()], [[text("a")], dict([[text("c")], tensor({ size: ints(2) })])]),
    {
      tensors: [weight("x.a.b"), two("x.a.c", 2)],
      options: { rename: (name) => `x.${name}` },
    },
  ),
  acceptPickle(
    "expansion",
    "4,000 names for one tensor",
    [
      ...[
        ["PROTO", 2] as const,
        "EMPTY_LIST",
        "MARK",
        ...tensor(),
        ["BINPUT", 0] as const,
        repeat(3999, ["BINGET", 0]),
        "APPENDS",
        "STOP",
      ],
    ],
    {
      tensors: [weight("0")],
      metadata: Object.fromEntries(Array.from({ length: 3999 }, (_, i) => [String(i + 1), "0"])),
    },
  ),
]

/** Every case of this file. */
export const ODD_LEGAL_TENSORS: readonly LegalCase[] = [...VIEWS, ...LAZY, ...DTYPES, ...REBUILT, ...CHOICES]
