/**
 * The globals that a checkpoint may name, and what each one means here. Everything else is refused.
 *
 * This is the whole list: exact module and name, no attribute walking, no prefixes. "Calling" one of them runs the
 * matching function of rebuild.ts or plain-data.ts, which only builds records and plain data.
 */

import type { PickleObject } from "../pickle/values.ts"
import { DTYPES, type Dtype } from "../tensors/tensor.ts"
import { DISTRIBUTED_CLASSES, DTENSOR_MODULES } from "./distributed-part.ts"

/** What a known global stands for. */
export type GlobalMeaning =
  | { readonly is: "storage-class"; readonly dtype: Dtype | undefined }
  | { readonly is: "dtype"; readonly dtype: Dtype }
  | { readonly is: "rebuild"; readonly rebuild: RebuildName }
  | { readonly is: "unsupported-rebuild"; readonly reason: string; readonly namesDevice?: true }
  | { readonly is: "distributed-part" }
  | { readonly is: "tensor-class" }
  | { readonly is: "plain-data"; readonly make: PlainDataName }
  | { readonly is: "constant" }

/** The functions of torch/_utils.py and torch/_tensor.py that make a tensor from a storage or from a tensor. */
export type RebuildName =
  | "tensor"
  | "tensor-v2"
  | "tensor-v3"
  | "parameter"
  | "parameter-with-state"
  | "from-type"

/** Classes and functions that make plain data. */
export type PlainDataName =
  | "OrderedDict"
  | "Counter"
  | "defaultdict"
  | "set"
  | "frozenset"
  | "bytes"
  | "bytearray"
  | "complex"
  | "encode"
  | "size"
  | "device"
  | "layout"
  | "first-of-one"
  | "first-of-two"
  | "tensor-id"

/** A global on the list, as it lies on the machine's stack. */
export interface KnownGlobal extends PickleObject {
  readonly kind: "object:global"
  readonly module: string
  readonly name: string
  readonly meaning: GlobalMeaning
}

export function isKnownGlobal(value: unknown): value is KnownGlobal {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "object:global"
}

/** The typed storage classes, under `torch` and `torch.cuda`, and the dtype of each (torch/storage.py). */
export const STORAGE_CLASSES: ReadonlyMap<string, string> = new Map([
  ["DoubleStorage", "float64"],
  ["FloatStorage", "float32"],
  ["HalfStorage", "float16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
  ["BFloat16Storage", "bfloat16"],
  ["ComplexDoubleStorage", "complex128"],
  ["ComplexFloatStorage", "complex64"],
  ["QUInt8Storage", "quint8"],
  ["QInt8Storage", "qint8"],
  ["QInt32Storage", "qint32"],
  ["QUInt4x2Storage", "quint4x2"],
  ["QUInt2x4Storage", "quint2x4"],
])

type Row = readonly [module: string, name: string, meaning: GlobalMeaning]

const rebuild = (name: RebuildName): GlobalMeaning => ({ is: "rebuild", rebuild: name })
const unsupported = (reason: string): GlobalMeaning => ({ is: "unsupported-rebuild", reason })
const plain = (make: PlainDataName): GlobalMeaning => ({ is: "plain-data", make })
/** What is said of a tensor that torch gives no memory. */
export const META_TENSOR = "a meta tensor, which has no values"
const CONSTANT: GlobalMeaning = { is: "constant" }
const TENSOR_CLASS: GlobalMeaning = { is: "tensor-class" }
const UNTYPED: GlobalMeaning = { is: "storage-class", dtype: undefined }

/** Python 2 calls the module `__builtin__`, and so do pickles of protocol 2 that Python 3 writes. */
const BUILTINS = ["builtins", "__builtin__"]

/** Only the default factories that defaultdict is given; they make nothing here. */
const FACTORIES = ["bool", "dict", "float", "int", "list", "str", "tuple"]

/** What is written beside plain tensors: parts of distributed ones, and what C++ marks its containers with. */
const OTHER_WRITERS: readonly Row[] = /* @__PURE__ */ (() => [
  ...DTENSOR_MODULES.map((module): Row => [module, "DTensor", TENSOR_CLASS]),
  ...DISTRIBUTED_CLASSES.flatMap(([modules, classes]) =>
    modules.split(" ").flatMap((module) => {
      return classes.split(" ").map((name): Row => [module, name, { is: "distributed-part" }])
    }),
  ),

  // What C++ marks its containers with (torch::pickle_save): functions that return their first argument.
  ["torch.jit._pickle", "restore_type_tag", plain("first-of-two")],
  ...["build_intlist", "build_tensorlist", "build_doublelist", "build_boollist"].map(
    (name): Row => ["torch.jit._pickle", name, plain("first-of-one")],
  ),
  ["torch.jit._pickle", "build_tensor_from_id", plain("tensor-id")],
])()

const ROWS: readonly Row[] = /* @__PURE__ */ (() => [
  ["collections", "OrderedDict", plain("OrderedDict")],
  ["collections", "Counter", plain("Counter")],
  ["collections", "defaultdict", plain("defaultdict")],
  ["_codecs", "encode", plain("encode")],
  ...BUILTINS.flatMap((module): Row[] => [
    [module, "bytearray", plain("bytearray")],
    [module, "bytes", plain("bytes")],
    [module, "complex", plain("complex")],
    [module, "frozenset", plain("frozenset")],
    [module, "set", plain("set")],
    ...FACTORIES.map((name): Row => [module, name, CONSTANT]),
  ]),

  ["torch._utils", "_rebuild_tensor", rebuild("tensor")],
  ["torch._utils", "_rebuild_tensor_v2", rebuild("tensor-v2")],
  ["torch._utils", "_rebuild_tensor_v3", rebuild("tensor-v3")],
  ["torch._utils", "_rebuild_parameter", rebuild("parameter")],
  ["torch._utils", "_rebuild_parameter_with_state", rebuild("parameter-with-state")],
  ["torch._tensor", "_rebuild_from_type_v2", rebuild("from-type")],
  ["torch", "Tensor", TENSOR_CLASS],
  ["torch.nn.parameter", "Parameter", TENSOR_CLASS],
  ["torch.nn.parameter", "Buffer", TENSOR_CLASS],

  ["torch._utils", "_rebuild_qtensor", unsupported("a quantized tensor")],
  ["torch._utils", "_rebuild_sparse_tensor", unsupported("a sparse tensor")],
  ["torch._utils", "_rebuild_sparse_csr_tensor", unsupported("a sparse tensor")],
  ["torch._utils", "_rebuild_nested_tensor", unsupported("a nested tensor")],
  ["torch._utils", "_rebuild_meta_tensor_no_storage", unsupported(META_TENSOR)],
  ["torch._utils", "_rebuild_wrapper_subclass", unsupported("a tensor subclass that wraps other tensors")],
  [
    "torch._utils",
    "_rebuild_device_tensor_from_numpy",
    { is: "unsupported-rebuild", reason: "which torch saved as a NumPy array", namesDevice: true },
  ],
  [
    "torch._utils",
    "_rebuild_device_tensor_from_cpu_tensor",
    { is: "unsupported-rebuild", reason: "which is none of torch's own", namesDevice: true },
  ],
  ...OTHER_WRITERS,

  ["torch", "Size", plain("size")],
  ["torch", "device", plain("device")],
  ["torch.serialization", "_get_layout", plain("layout")],
  ["torch", "per_tensor_affine", CONSTANT],
  ["torch", "per_tensor_symmetric", CONSTANT],
  ["torch", "per_channel_affine", CONSTANT],
  ["torch", "per_channel_symmetric", CONSTANT],
  ["torch", "per_channel_affine_float_qparams", CONSTANT],

  ["torch.storage", "UntypedStorage", UNTYPED],
  ["torch", "UntypedStorage", UNTYPED],
  ["torch.storage", "TypedStorage", CONSTANT],
  ["torch", "TypedStorage", CONSTANT],
  ...[...STORAGE_CLASSES].flatMap(([name, dtypeName]): Row[] => {
    const meaning: GlobalMeaning = { is: "storage-class", dtype: DTYPES.get(dtypeName) }
    return [
      ["torch", name, meaning],
      ["torch.cuda", name, meaning],
    ]
  }),
  ...[...DTYPES.values()].map((dtype): Row => ["torch", dtype.name, { is: "dtype", dtype }]),
])()

/** The whole list. */
export const ALLOWED_GLOBALS: readonly KnownGlobal[] = /* @__PURE__ */ ROWS.map(([module, name, meaning]) =>
  Object.freeze({ kind: "object:global", module, name, meaning }),
)

/** Keyed by module and name with a line feed between, which no name on the list holds. */
const BY_NAME: ReadonlyMap<string, KnownGlobal> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ ALLOWED_GLOBALS.map((global) => [`${global.module}\n${global.name}`, global]),
)

/** What a global means, or undefined when it is not on the list. */
export function findAllowedGlobal(module: string, name: string): KnownGlobal | undefined {
  return BY_NAME.get(`${module}\n${name}`)
}
