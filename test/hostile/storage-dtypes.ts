/** Storage classes that are none, tensors that safetensors cannot hold, and byte orders that are unknown. */

import { hex, latin1, type Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  type CaseParts,
  call,
  floats,
  global,
  HERE,
  int,
  ints,
  ORDERED_DICT,
  refusePickle,
  stateDict,
  storage,
  storageClass,
  tensor,
  tensorV3,
  text,
  tuple,
} from "./checkpoint-parts.ts"
import { ANY, rebuilt, storageCase } from "./storages.ts"

const DTYPES: readonly HostileCase[] = [
  ...(
    [
      ["a dtype", [global("torch", "float32")]],
      ["text", [text("FloatStorage")]],
      ["None", ["NONE"]],
      ["OrderedDict", [global("collections", "OrderedDict")]],
      ["torch.Tensor", [global("torch", "Tensor")]],
      ["a rebuild function", [global("torch._utils", "_rebuild_tensor_v2")]],
      ["the base class of typed storages", [global("torch.storage", "TypedStorage")]],
      ["a tensor", tensor()],
    ] as const
  ).map(([name, type]) => storageCase("storage-dtype", name, "storage-dtype", { type })),
  refusePickle("storage-dtype", "an untyped storage under a tensor that says no dtype", "storage-dtype", [
    ...stateDict([
      [text("weight")],
      tensor(
        { storage: storage({ type: [global("torch.storage", "UntypedStorage")], count: [int(16)] }) },
        HERE,
      ),
    ]),
  ]),
]

const unsupported = (name: string, value: readonly Part[], more: CaseParts = {}): HostileCase =>
  refusePickle(
    "unsupported",
    name,
    "tensor-unsupported",
    stateDict([[text("good")], tensor()], [[text("bad")], value]),
    { ...more, expect: { names: ["bad"] } },
  )
const typedTensor = (type: string, count: number): readonly Part[] =>
  tensor({
    storage: storage({ type: storageClass(type), count: [int(count)], key: [text("1")] }),
    size: ints(1),
  })
const untypedTensor = (dtype: string): readonly Part[] =>
  tensorV3([global("torch", dtype)], {
    size: ints(1),
    storage: storage({
      type: [global("torch.storage", "UntypedStorage")],
      count: [int(16)],
      key: [text("1")],
    }),
  })
const SECOND = { storages: { 0: floats(1, 2, 3, 4), 1: new Uint8Array(16) } }

const UNSUPPORTED: readonly HostileCase[] = [
  ...[
    "_rebuild_qtensor",
    "_rebuild_sparse_tensor",
    "_rebuild_sparse_csr_tensor",
    "_rebuild_nested_tensor",
    "_rebuild_meta_tensor_no_storage",
    "_rebuild_wrapper_subclass",
    "_rebuild_device_tensor_from_numpy",
    "_rebuild_device_tensor_from_cpu_tensor",
  ].map((name) => unsupported(name, rebuilt(name))),
  ...(
    [
      ["QInt8Storage", 16],
      ["QUInt8Storage", 16],
      ["QInt32Storage", 4],
      ["QUInt4x2Storage", 16],
      ["ComplexDoubleStorage", 1],
    ] as const
  ).map(([type, count]) => unsupported(type, typedTensor(type, count), SECOND)),
  ...["complex32", "complex128", "bits8", "bits16", "uint4", "int7", "quint2x4"].map((dtype) =>
    unsupported(`${dtype} over an untyped storage`, untypedTensor(dtype), SECOND),
  ),
  unsupported(
    "float4 without dimensions",
    tensorV3([global("torch", "float4_e2m1fn_x2")], { size: ints(), stride: ints() }),
  ),
  unsupported("a sparse tensor in _rebuild_from_type_v2", [
    ...call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      ...[
        [global("torch._utils", "_rebuild_sparse_tensor")],
        [global("torch", "Tensor")],
        ANY,
        ["NONE"] as const,
      ],
    ),
  ]),
  unsupported("a parameter of a quantized tensor", [
    ...call(
      global("torch._utils", "_rebuild_parameter"),
      rebuilt("_rebuild_qtensor"),
      ["NEWTRUE"],
      ORDERED_DICT,
    ),
  ]),
  unsupported("a sparse tensor whose indices are 2^40", [
    ...call(
      global("torch._utils", "_rebuild_sparse_tensor"),
      call(global("torch.serialization", "_get_layout"), [text("torch.sparse_coo")]),
      tuple(tensor(), tensor(), ints(2 ** 40), ["NEWTRUE"]),
    ),
  ]),
  refusePickle(
    "unsupported",
    "two, both of which are named",
    "tensor-unsupported",
    stateDict([[text("b")], rebuilt("_rebuild_qtensor")], [[text("a")], rebuilt("_rebuild_nested_tensor")]),
    { expect: { names: ["b", "a"] } },
  ),
  refusePickle("unsupported", "as the whole checkpoint", "tensor-unsupported", [
    ["PROTO", 2],
    ...rebuilt("_rebuild_qtensor"),
    "STOP",
  ]),
]

const order = (name: string, byteOrder: string | Uint8Array): HostileCase =>
  refusePickle("byte-order", name, "byte-order", beside(["NONE"]), {
    byteOrder,
    expect: { within: "archive/byteorder" },
  })

const ORDERS: readonly HostileCase[] = [
  order("middle", "middle"),
  order("Little, with a capital", "Little"),
  order("little with a line feed", "little\n"),
  order("big with a blank", " big"),
  order("an empty record", ""),
  order("little with a NUL", "little\0"),
  order("big in UTF-16", hex("6200 6900 6700")),
  order("little with a byte order mark", hex("efbbbf 6c6974746c65")),
  order("both", "littlebig"),
  order("1 MiB of it", latin1("big".repeat(350_000))),
]

/** Every case of this file. */
export const STORAGE_DTYPES: readonly HostileCase[] = [...DTYPES, ...UNSUPPORTED, ...ORDERS]
