/** What the globals of a checkpoint make, in the most literal way. Only what the soak's mutants can hold. */

import { DTYPES, type Dtype } from "../property/dtypes.ts"
import type { TestTensor } from "../property/model.ts"
import { OPAQUE, type SlowHost } from "./slow-pickle.ts"
import {
  SlowDict,
  SlowError,
  SlowGlobal,
  SlowList,
  SlowReference,
  SlowSet,
  type SlowStorage,
  SlowTensor,
  SlowTuple,
  type SlowValue,
} from "./slow-values.ts"

/** Bytes of the dtypes that torch has and safetensors has not. */
const OTHER_DTYPES: ReadonlyMap<string, number> = new Map([
  ["complex32", 4],
  ["complex128", 16],
  ["qint8", 1],
  ["quint8", 1],
  ["qint32", 4],
  ["quint4x2", 1],
  ["quint2x4", 1],
  ["bits16", 2],
])

const OTHER_STORAGES: ReadonlyMap<string, string> = new Map([
  ["ComplexDoubleStorage", "complex128"],
  ["QUInt8Storage", "quint8"],
  ["QInt8Storage", "qint8"],
  ["QInt32Storage", "qint32"],
  ["QUInt4x2Storage", "quint4x2"],
  ["QUInt2x4Storage", "quint2x4"],
])

/** Functions whose tensors are known by name alone. */
const UNSUPPORTED =
  /^_rebuild_(qtensor|sparse_tensor|sparse_csr_tensor|nested_tensor|meta_tensor_no_storage|wrapper_subclass|device_tensor_from_numpy|device_tensor_from_cpu_tensor)$/

function itemBytesOf(dtype: string): number {
  return DTYPES.find(({ torch }) => torch === dtype)?.itemBytes ?? OTHER_DTYPES.get(dtype) ?? 1
}

/** Finds or makes the storage with that key. Called for every mention. */
export type FindStorage = (key: string, byteLength: number) => SlowStorage

export class SlowTorch implements SlowHost {
  readonly #findStorage: FindStorage

  constructor(findStorage: FindStorage) {
    this.#findStorage = findStorage
  }

  persistentLoad(id: SlowValue): SlowReference {
    if (!(id instanceof SlowTuple)) throw new SlowError("an id that is no tuple")
    const [tag, type, key, , count, view = null] = id.items
    const known = type instanceof SlowGlobal && /^torch(\.cuda|\.storage)?$/.test(type.module)
    if (tag !== "storage" || !known || typeof key !== "string" || typeof count !== "bigint") {
      throw new SlowError("not the id of a storage")
    }
    const dtype = storageDtype(type.name)
    const itemBytes = dtype === undefined ? 1 : itemBytesOf(dtype)
    const storage = this.#findStorage(key, Number(count) * itemBytes)
    if (view === null) return new SlowReference(storage, dtype, itemBytes, 0, Number(count))
    const [, first, length] = view instanceof SlowTuple ? view.items : []
    if (typeof first !== "bigint" || typeof length !== "bigint") throw new SlowError("not a view")
    return new SlowReference(storage, dtype, itemBytes, Number(first), Number(length))
  }

  call(callable: SlowGlobal, args: readonly SlowValue[]): SlowValue {
    const { module, name } = callable
    if (module === "torch._utils" || module === "torch._tensor") return rebuild(name, args)
    const [first] = args
    switch (name) {
      case "OrderedDict":
      case "Counter":
      case "defaultdict":
        return makeDict(name, args)
      case "set":
      case "frozenset":
        return new SlowSet([...(first === undefined ? [] : sequence(first))], name === "frozenset")
      case "Size":
        return new SlowTuple(first === undefined ? [] : sequence(first))
      case "bytes":
      case "bytearray":
      case "encode":
        if (first === undefined) return new Uint8Array(0)
        return typeof first === "string" ? Buffer.from(first, "latin1") : first
      case "complex":
      case "device":
      case "_get_layout":
        return OPAQUE
      default:
        throw new SlowError(`${module}.${name} is called`)
    }
  }
}

function storageDtype(name: string): string | undefined {
  if (name === "UntypedStorage") return undefined
  const dtype = DTYPES.find(({ storageClass }) => storageClass === name)?.torch ?? OTHER_STORAGES.get(name)
  if (dtype === undefined) throw new SlowError(`${name} is no storage`)
  return dtype
}

function sequence(value: SlowValue): readonly SlowValue[] {
  if (value instanceof SlowList || value instanceof SlowTuple) return value.items
  throw new SlowError("not a sequence")
}

function makeDict(name: string, [first]: readonly SlowValue[]): SlowDict {
  const dict = new SlowDict(name === "OrderedDict")
  if (first === undefined || name === "defaultdict") return dict
  if (first instanceof SlowDict) {
    for (const { key, value } of first.entries) dict.set(key, value)
    return dict
  }
  for (const pair of sequence(first)) {
    const [key, value] = sequence(pair)
    if (key === undefined || value === undefined) throw new SlowError("not a pair")
    dict.set(key, value)
  }
  return dict
}

function rebuild(name: string, args: readonly SlowValue[]): SlowTensor {
  const [first, second, third] = args
  if (UNSUPPORTED.test(name)) return new SlowTensor(undefined)
  switch (name) {
    case "_rebuild_tensor":
    case "_rebuild_tensor_v2":
      return makeTensor(args, undefined, args[6])
    case "_rebuild_tensor_v3": {
      const dtype = args[6]
      if (!(dtype instanceof SlowGlobal && dtype.module === "torch")) throw new SlowError("no dtype")
      return makeTensor(args, dtype.name, args[7])
    }
    case "_rebuild_parameter":
    case "_rebuild_parameter_with_state":
      if (!(first instanceof SlowTensor)) throw new SlowError("a parameter of no tensor")
      return first
    case "_rebuild_from_type_v2":
      if (!(first instanceof SlowGlobal && second instanceof SlowGlobal)) throw new SlowError("no function")
      return rebuild(first.name, third === undefined ? [] : sequence(third))
    default:
      throw new SlowError(`${name} makes no tensor`)
  }
}

function numbers(value: SlowValue | undefined): number[] {
  return (value === undefined ? [] : [...sequence(value)]).map((item) => {
    if (typeof item !== "bigint") throw new SlowError("not an integer")
    return Number(item)
  })
}

function makeTensor(
  [reference, offset, size, stride]: readonly SlowValue[],
  ownDtype: string | undefined,
  metadata: SlowValue | undefined,
): SlowTensor {
  if (!(reference instanceof SlowReference) || typeof offset !== "bigint") throw new SlowError("no tensor")
  const name = ownDtype ?? reference.dtype
  if (name === undefined) throw new SlowError("a tensor without a dtype")
  const dtype: Dtype | undefined = DTYPES.find(({ torch }) => torch === name)
  if (dtype === undefined) return new SlowTensor(undefined, numbers(size).length)
  const bit = (key: string): boolean => {
    const value = metadata instanceof SlowDict ? metadata.get(key) : undefined
    // torch sets the bit for any value, False too.
    if (value !== undefined && value !== true) throw new SlowError(`a ${key} bit that is not True`)
    return value === true
  }
  const { storage, first, itemBytes, count } = reference
  const shape = numbers(size)
  const strides = numbers(stride)
  const last = shape.reduce((sum, each, d) => sum + (each - 1) * (strides[d] ?? Number.NaN), Number(offset))
  if (shape.every((each) => each > 0) && !((last + 1) * dtype.itemBytes <= count * itemBytes)) {
    throw new SlowError("a tensor outside its storage")
  }
  const view: TestTensor = {
    kind: "tensor",
    storage,
    dtype,
    offset: (first * itemBytes) / dtype.itemBytes + Number(offset),
    shape,
    strides,
    conj: bit("conj"),
    neg: bit("neg"),
    untyped: false,
    parameter: false,
    viewStart: 0,
  }
  return new SlowTensor(view)
}
