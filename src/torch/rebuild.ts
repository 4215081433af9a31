/**
 * What torch's rebuild functions make of their arguments: records, never memory.
 *
 * Follows torch 2.13, `torch/_utils.py` (`_rebuild_tensor`, `_v2`, `_v3`, `_rebuild_parameter`,
 * `_rebuild_parameter_with_state`) and `torch/_tensor.py` (`_rebuild_from_type_v2`).
 */

import { requireWithin } from "../limits/require-within.ts"
import { describeValue, PickleDict, PickleList, PickleTuple, type PickleValue } from "../pickle/values.ts"
import { type Dimensions, lastOffsetOf } from "../strided/view.ts"
import {
  type Dtype,
  isTensor,
  isUnsupportedTensor,
  type Tensor,
  type UnsupportedTensor,
} from "../tensors/tensor.ts"
import { plainText, quoteText } from "../text/quote-text.ts"
import { type GlobalMeaning, isKnownGlobal, META_TENSOR, type RebuildName } from "./allowed-globals.ts"
import { type CallSite, faultAt, requireArguments, requireItems } from "./call-site.ts"
import { describeDistributed } from "./distributed-part.ts"
import { STORAGE_DTYPE, TENSOR_ARGUMENT, TENSOR_BOUNDS, TENSOR_METADATA, TENSOR_OVERFLOW } from "./errors.ts"
import { requirePlainState } from "./tensor-state.ts"
import {
  isStorageReference,
  NOWHERE,
  type StorageReference,
  type TensorBits,
  transformFor,
  type UnsupportedTorchTensor,
} from "./torch-tensors.ts"

/** What a dimension is charged at. */
const SIZE_BYTES = 16

/** What a rebuild function returns. */
export type Rebuilt = Tensor | UnsupportedTensor

/** Runs the rebuild function `name` over `args`. */
export function rebuild(name: RebuildName, args: PickleTuple, site: CallSite): Rebuilt {
  return REBUILDERS[name](args, site)
}

const REBUILDERS: Readonly<Record<RebuildName, (args: PickleTuple, site: CallSite) => Rebuilt>> = {
  tensor: (args, site) => {
    const items = requireArguments(site, args, "_rebuild_tensor", 4)
    return makeTensor(items, undefined, { requiresGrad: false, metadata: null }, site)
  },
  "tensor-v2": (args, site) => {
    const items = requireArguments(site, args, "_rebuild_tensor_v2", 6, 7)
    return makeTensor(items, undefined, { requiresGrad: items[4], metadata: items[6] ?? null }, site)
  },
  "tensor-v3": (args, site) => {
    const items = requireArguments(site, args, "_rebuild_tensor_v3", 7, 8)
    const dtype = items[6]
    if (!isKnownGlobal(dtype) || dtype.meaning.is !== "dtype") {
      throw faultAt(site, TENSOR_ARGUMENT, "the seventh argument of _rebuild_tensor_v3 is no dtype")
    }
    const rest = { requiresGrad: items[4], metadata: items[7] ?? null }
    return makeTensor(items, dtype.meaning.dtype, rest, site)
  },
  parameter: (args, site) => unwrap(requireArguments(site, args, "_rebuild_parameter", 3), site),
  "parameter-with-state": (args, site) => {
    const items = requireArguments(site, args, "_rebuild_parameter_with_state", 4)
    requirePlainState(items[3], site)
    return unwrap(items, site)
  },
  "from-type": (args, site) => {
    const [rebuilder, type, inner, state = null] = requireArguments(site, args, "_rebuild_from_type_v2", 4)
    if (!isKnownGlobal(type) || type.meaning.is !== "tensor-class") {
      throw faultAt(
        site,
        TENSOR_ARGUMENT,
        "_rebuild_from_type_v2 is given a class that is not a tensor class",
      )
    }
    if (!(inner instanceof PickleTuple)) {
      throw faultAt(site, TENSOR_ARGUMENT, "_rebuild_from_type_v2 is given no tuple of arguments")
    }
    if (isKnownGlobal(rebuilder)) {
      const { meaning } = rebuilder
      if (meaning.is === "unsupported-rebuild") return rebuildUnsupported(meaning, inner.items, state)
      requirePlainState(state, site)
      if (meaning.is === "rebuild" && meaning.rebuild !== "from-type")
        return rebuild(meaning.rebuild, inner, site)
    }
    throw faultAt(site, TENSOR_ARGUMENT, "_rebuild_from_type_v2 is given a function that rebuilds no tensor")
  },
}

/** `args` are what the function is given, and `state` what the tensor is given behind it. */
export function rebuildUnsupported(
  { reason, namesDevice }: Extract<GlobalMeaning, { is: "unsupported-rebuild" }>,
  args: readonly PickleValue[],
  state: PickleValue = null,
): UnsupportedTorchTensor {
  const distributed = describeDistributed(state)
  if (distributed !== undefined) return unsupportedTensor(distributed, [...args, state])
  if (namesDevice === undefined) return unsupportedTensor(reason, args)
  // (data, dtype, device, requires_grad)
  const [, , device] = args
  const named = typeof device === "string" ? `the device ${quoteText(device)}` : "another device"
  return unsupportedTensor(`a tensor of ${named}, ${reason}`, args)
}

export function unsupportedTensor(
  reason: string,
  parts: readonly PickleValue[] = [],
): UnsupportedTorchTensor {
  return { kind: "object:unsupported-tensor", reason, parts }
}

/** A parameter is its tensor: what else it carries (gradients wanted, hooks, attributes) has no place in safetensors. */
function unwrap([data, requiresGrad]: readonly PickleValue[], site: CallSite): Rebuilt {
  if (isTensor(data) || isUnsupportedTensor(data)) {
    requireGradFlag(requiresGrad, site)
    return data
  }
  throw faultAt(site, TENSOR_ARGUMENT, "a parameter is rebuilt from something that is not a tensor")
}

/** What a tensor is given besides its view of a storage. */
interface TensorState {
  readonly requiresGrad: PickleValue | undefined
  readonly metadata: PickleValue
}

/**
 * `items` begin with the storage, the offset, the size and the strides, in every version. They are taken by index: this
 * runs once a tensor, and taking an array apart goes through its iterator. `ownDtype` is undefined where the storage
 * says it.
 */
function makeTensor(
  items: readonly PickleValue[],
  ownDtype: Dtype | undefined,
  { requiresGrad, metadata }: TensorState,
  site: CallSite,
): Rebuilt {
  const reference = items[0]
  if (!isStorageReference(reference)) {
    throw faultAt(site, TENSOR_ARGUMENT, "a tensor is rebuilt from something that is not a storage")
  }
  const dtype = ownDtype ?? reference.dtype
  if (dtype === undefined) {
    throw faultAt(site, STORAGE_DTYPE, "a tensor over an untyped storage does not say its dtype")
  }
  const offset = requireCount(items[1], "storage offset", site)
  const shape = requireCounts(items[2], "size", site)
  const strides = requireCounts(items[3], "stride", site)
  if (shape.length !== strides.length) {
    const problem = `a tensor has ${shape.length} sizes and ${strides.length} strides`
    throw faultAt(site, TENSOR_ARGUMENT, problem)
  }
  // Sizes may be shared, so that two bytes of pickle ask for 64 of them to be looked at again.
  site.memory?.take(SIZE_BYTES * shape.length, site.within)
  const elementCount = productOf(shape, dtype, site)
  requireInsideStorage(reference, dtype, { offset, shape, strides, elementCount }, site)
  requireGradFlag(requiresGrad, site)
  const bits = readMetadata(metadata, dtype, site)
  if (reference.storage.location === NOWHERE) return unsupportedTensor(META_TENSOR, [reference])
  return {
    kind: "object:tensor",
    dtype,
    shape,
    strides,
    elementCount,
    elementOffset: absoluteOffset(reference, dtype, offset, site),
    storage: reference.storage,
    transform: transformFor(dtype, site.byteOrder, bits),
  }
}

/** torch takes a bool and nothing else. Whether the dtype can have gradients is not looked at: they are dropped. */
function requireGradFlag(value: PickleValue | undefined, site: CallSite): void {
  if (typeof value === "boolean") return
  const shown = describeValue(value ?? null)
  throw faultAt(site, TENSOR_ARGUMENT, `a tensor's requires_grad is ${shown}, not a bool`)
}

/**
 * The number of elements. None is lost behind a zero, and their bytes must be countable too.
 */
function productOf(shape: readonly number[], dtype: Dtype, site: CallSite): number {
  let product = 1
  for (const size of shape) if (size !== 0) product *= size
  // Rounding keeps the order of numbers: what is above 2^53 - 1 comes out above it.
  if (!Number.isSafeInteger(product * dtype.itemBytes)) {
    throw faultAt(site, TENSOR_OVERFLOW, `a tensor of shape [${shape.join(", ")}] has too many elements`)
  }
  return shape.includes(0) ? 0 : product
}

interface View extends Dimensions {
  readonly offset: number
  readonly elementCount: number
}

/** The last element, offset + sum of (size - 1) * stride, must lie in the storage. Empty tensors touch nothing. */
function requireInsideStorage(reference: StorageReference, dtype: Dtype, view: View, site: CallSite): void {
  if (view.elementCount === 0) return
  const last = view.offset + lastOffsetOf(view)
  if (!Number.isSafeInteger(last))
    throw faultAt(site, TENSOR_OVERFLOW, "a tensor's strides reach past 2^53 elements")
  const bytes = reference.elementCount * (reference.dtype?.itemBytes ?? 1)
  if (last < Math.floor(bytes / dtype.itemBytes)) return
  const problem = `a tensor's last element is number ${last} of a storage of ${bytes} bytes (${dtype.name})`
  throw faultAt(site, TENSOR_BOUNDS, problem)
}

function absoluteOffset(reference: StorageReference, dtype: Dtype, offset: number, site: CallSite): number {
  if (reference.elementOffset === 0) return offset
  const partOffset = reference.elementOffset * (reference.dtype?.itemBytes ?? 1)
  if (partOffset % dtype.itemBytes !== 0) {
    throw faultAt(site, TENSOR_ARGUMENT, `a storage view begins within an element of ${dtype.name}`)
  }
  return partOffset / dtype.itemBytes + offset
}

function requireCount(value: PickleValue | undefined, what: string, site: CallSite): number {
  if (isCount(value)) return value
  if (typeof value === "bigint") {
    throw faultAt(site, TENSOR_OVERFLOW, `a tensor's ${what} is ${plainText(String(value))}`)
  }
  const shown = typeof value === "number" ? String(value) : describeValue(value ?? null)
  throw faultAt(site, TENSOR_ARGUMENT, `a tensor's ${what} is ${shown}, not a count`)
}

function requireCounts(value: PickleValue | undefined, what: string, site: CallSite): readonly number[] {
  if (!(value instanceof PickleTuple || value instanceof PickleList)) {
    throw faultAt(site, TENSOR_ARGUMENT, `a tensor's ${what} is ${describeValue(value ?? null)}, not a tuple`)
  }
  const { items } = value
  requireWithin(site.limits, "maxRank", items.length, site.within)
  // Tuples do not change, and tensors may share them: copying would let a small pickle ask for much memory.
  if (value instanceof PickleTuple && items.every(isCount)) return items as readonly number[]
  requireItems(site, items.length)
  return items.map((item) => requireCount(item, what, site))
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && value >= 0
}

const NO_BITS: TensorBits = /* @__PURE__ */ Object.freeze({ conjugate: false, negative: false })

/** The conj and neg bits (`torch/_utils.py`, `get_tensor_metadata`). State that we do not know is not guessed at. */
function readMetadata(metadata: PickleValue, dtype: Dtype, site: CallSite): TensorBits {
  if (metadata === null) return NO_BITS
  if (!(metadata instanceof PickleDict)) {
    throw faultAt(site, TENSOR_METADATA, `a tensor's metadata is ${describeValue(metadata)}, not a dict`)
  }
  for (const { key, value } of metadata.entries()) {
    // torch sets the bit for whatever value stands there, False too, and writes nothing but True.
    if ((key === "conj" || key === "neg") && value === true) continue
    const shown = typeof key === "string" ? quoteText(key) : describeValue(key)
    throw faultAt(site, TENSOR_METADATA, `a tensor carries the metadata ${shown}`)
  }
  const conjugate = metadata.get("conj") === true
  const negative = metadata.get("neg") === true
  if (conjugate && dtype.family !== "complex") {
    throw faultAt(site, TENSOR_METADATA, `a tensor of ${dtype.name} has the conj bit`)
  }
  if (negative && (dtype.family === "bool" || dtype.family === "opaque")) {
    throw faultAt(site, TENSOR_METADATA, `a tensor of ${dtype.name} has the neg bit`)
  }
  return { conjugate, negative }
}
