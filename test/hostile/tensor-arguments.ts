/** Arguments of the wrong type, and metadata that nothing writes. */

import { type Part, repeat } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  call,
  dict,
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
  tensorV3,
  text,
} from "./checkpoint-parts.ts"
import { tensorCase } from "./tensors.ts"

const typed = (name: string, parts: TensorParts): HostileCase =>
  tensorCase("tensor-types", name, "tensor-argument", parts)
const FLOAT: readonly Part[] = [["BINFLOAT", 4]]

const TYPES: readonly HostileCase[] = [
  typed("an offset of 0.0", { offset: [["BINFLOAT", 0]] }),
  typed("an offset of False", { offset: ["NEWFALSE"] }),
  typed("an offset of None", { offset: ["NONE"] }),
  typed("an offset of text", { offset: [text("0")] }),
  typed("an offset that is a tensor", { offset: tensor() }),
  typed("a size of 4.0", { size: [...FLOAT, "TUPLE1"] }),
  typed("a size of True", { size: ["NEWTRUE", "TUPLE1"] }),
  typed("a size of text", { size: [text("4"), "TUPLE1"] }),
  typed("a size of None", { size: ["NONE", "TUPLE1"] }),
  typed("sizes in sizes", { size: [...ints(4), "TUPLE1"] }),
  typed("no tuple of sizes but 4", { size: [int(4)] }),
  typed("no tuple of sizes but text", { size: [text("4")] }),
  typed("no tuple of sizes but a dict", { size: dict([[int(0)], [int(4)]]) }),
  typed("no tuple of sizes but None", { size: ["NONE"] }),
  typed("a stride of 1.0", { stride: [["BINFLOAT", 1], "TUPLE1"] }),
  typed("no tuple of strides but a set", {
    stride: call(global("__builtin__", "set"), ["EMPTY_LIST", int(1), "APPEND"]),
  }),
  typed("a size more than strides", { size: ints(2, 2) }),
  typed("a stride more than sizes", { stride: ints(4, 1) }),
  typed("a tensor as storage", { storage: tensor() }),
  typed("an int as storage", { storage: [int(0)] }),
  typed("a class as storage", { storage: storageClass("FloatStorage") }),
  typed("eight arguments", { more: [["NONE"], ["NONE"]] }),
  refusePickle("tensor-types", "five arguments", "tensor-argument", [
    ...stateDict([
      [text("weight")],
      [
        global("torch._utils", "_rebuild_tensor_v2"),
        "MARK",
        ...storage(),
        int(0),
        ...ints(4),
        ...ints(1),
        "NEWFALSE",
        "TUPLE",
        HERE,
        "REDUCE",
      ],
    ]),
  ]),
  refusePickle("tensor-types", "no dtype for version 3", "tensor-argument", [
    ...stateDict([[text("weight")], tensor({ rebuild: "_rebuild_tensor_v3" }, HERE)]),
  ]),
  refusePickle("tensor-types", "text as dtype for version 3", "tensor-argument", [
    ...stateDict([[text("weight")], tensorV3([text("float32")], {}, 16, HERE)]),
  ]),
  refusePickle("tensor-types", "a storage class as dtype for version 3", "tensor-argument", [
    ...stateDict([[text("weight")], tensorV3(storageClass("FloatStorage"), {}, 16, HERE)]),
  ]),
  refusePickle("tensor-types", "a parameter of a dict", "tensor-argument", [
    ...stateDict([
      [text("weight")],
      [
        global("torch._utils", "_rebuild_parameter"),
        "MARK",
        "EMPTY_DICT",
        "NEWTRUE",
        ...ORDERED_DICT,
        "TUPLE",
        HERE,
        "REDUCE",
      ],
    ]),
  ]),
  ...(["65", "5000"] as const).map((rank) =>
    refusePickle(
      "tensor-types",
      `${rank} dimensions`,
      "limit-exceeded",
      stateDict([
        [text("weight")],
        tensor({
          size: ["MARK", repeat(Number(rank), int(1)), "TUPLE"],
          stride: ["MARK", repeat(Number(rank), int(1)), "TUPLE"],
        }),
      ]),
      { expect: { limit: "maxRank" } },
    ),
  ),
]

const metadata = (name: string, value: readonly Part[], parts: TensorParts = {}): HostileCase =>
  tensorCase("tensor-metadata", name, "tensor-metadata", { ...parts, more: [value] })
const BOOLS: TensorParts = {
  storage: storage({ type: storageClass("BoolStorage"), count: [int(16)] }),
  size: ints(4),
}

const METADATA: readonly HostileCase[] = [
  metadata("a list", ["EMPTY_LIST"]),
  metadata("text", [text("conj")]),
  metadata("an unknown key", dict([[text("evil")], ["NEWTRUE"]])),
  metadata("__class__", dict([[text("__class__")], [global("torch", "Tensor")]])),
  metadata("a key that is no text", dict([[int(0)], ["NEWTRUE"]])),
  metadata("conj of 1", dict([[text("conj")], [int(1)]])),
  metadata("neg of False, which torch sets all the same", dict([[text("neg")], ["NEWFALSE"]])),
  metadata("neg of None", dict([[text("neg")], ["NONE"]])),
  metadata("conj of floats", dict([[text("conj")], ["NEWTRUE"]])),
  metadata("neg of bools", dict([[text("neg")], ["NEWTRUE"]]), BOOLS),
  metadata(
    "neg and an unknown key",
    dict([[text("neg")], ["NEWTRUE"]], [[text("requires_grad_")], ["NEWTRUE"]]),
  ),
  refusePickle("tensor-metadata", "neg of 8-bit floats", "tensor-metadata", [
    ...stateDict([
      [text("weight")],
      tensorV3([global("torch", "float8_e5m2")], { more: [dict([[text("neg")], ["NEWTRUE"]])] }, 16, HERE),
    ]),
  ]),
]

/** Every case of this file. */
export const TENSOR_ARGUMENTS: readonly HostileCase[] = [...TYPES, ...METADATA]
