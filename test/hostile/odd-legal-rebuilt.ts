/** Tensors that are lazily changed, rebuilt in odd ways or left out: all of them convert. */

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
  ORDERED_DICT,
  stateDict,
  storage,
  storageClass,
  tensor,
  tensorArguments,
  text,
  tuple,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"
import { one } from "./odd-legal-tensors.ts"

const METADATA = (key: string): readonly Part[] => dict([[text(key)], ["NEWTRUE"]])
const COMPLEX = storage({ type: storageClass("ComplexFloatStorage"), count: [int(2)] })
const NEGATED = floats(-1, 2, -3.5, -4)

const LAZY: readonly LegalCase[] = [
  one("tensor-metadata", "neg of floats", tensor({ more: [METADATA("neg")] }), ["F32", [4], NEGATED]),
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
      dict([[text("tag")], [text("evil")]]),
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
export const ODD_LEGAL_REBUILT: readonly LegalCase[] = [...LAZY, ...REBUILT, ...CHOICES]
