/** The values of a checkpoint as ordinary JavaScript data. */

import { CheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import type { PickleObject, PickleValue } from "../pickle/values.ts"
import {
  PickleDict,
  PickleFloat,
  PickleList,
  PickleSet,
  PickleTuple,
  RefusedObject,
  RefusedReference,
} from "../pickle/values.ts"
import { isKnownGlobal } from "../torch/allowed-globals.ts"
import type { ByteOrder } from "../torch/checkpoint-contents.ts"
import type { ComplexNumber, NamedConstant } from "../torch/plain-data.ts"
import { isStorageReference, isTensor, isUnsupportedTensor } from "../torch/tensor-record.ts"
import { isContainer } from "../torch/walk-tensors.ts"
import type { TensorInfo } from "./tensor-info.ts"
import { describeTensor } from "./tensor-info.ts"

/** Python's None, numbers, text, bytes, sequences, mappings and sets. Integers above 2^53 - 1 are bigints. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PlainValue[]
  | ReadonlyMap<PlainValue, PlainValue>
  | ReadonlySet<PlainValue>
  | TensorInfo
  | PlainObject

/** What has no counterpart in JavaScript. */
export type PlainObject =
  | { readonly kind: "complex"; readonly real: number; readonly imaginary: number }
  | { readonly kind: "device" | "layout" | "global"; readonly text: string }
  | { readonly kind: "storage"; readonly key: string; readonly byteLength: number }

/**
 * `value` as plain data. Parts that are shared stay shared. This recurses, as deep as `maxNesting` allows.
 *
 * The keys of mappings are walked too, which the search for tensors passes over: only here can a mapping that is part
 * of its own key be noticed.
 *
 * @throws `pickle-cycle`, `limit-exceeded` (`maxNesting`).
 */
export function toPlainValue(value: PickleValue, byteOrder: ByteOrder, limits: Limits): PlainValue {
  const done = new Map<PickleValue, PlainValue>()
  const open = new Set<PickleValue>()
  const convert = (part: PickleValue): PlainValue => {
    if (typeof part !== "object" || part === null || part instanceof Uint8Array) return part
    const known = done.get(part)
    if (known !== undefined) return known
    if (open.has(part)) {
      throw new CheckpointError("pickle-cycle", { problem: `a ${part.kind} contains itself` })
    }
    if (isContainer(part)) requireWithin(limits, "maxNesting", open.size + 1)
    open.add(part)
    const plain = convertObject(part)
    open.delete(part)
    done.set(part, plain)
    return plain
  }
  const convertObject = (
    part: Exclude<PickleValue, null | boolean | number | bigint | string | Uint8Array>,
  ): PlainValue => {
    if (part instanceof PickleFloat) return part.value
    if (part instanceof PickleList || part instanceof PickleTuple) return part.items.map(convert)
    if (part instanceof PickleSet) return new Set(part.items.map(convert))
    if (part instanceof PickleDict) {
      return new Map(Array.from(part.entries(), ({ key, value: item }) => [convert(key), convert(item)]))
    }
    if (part instanceof RefusedReference || part instanceof RefusedObject) {
      throw new TypeError("a refused global has no plain value")
    }
    return plainObject(part, byteOrder)
  }
  return convert(value)
}

function plainObject(part: PickleObject, byteOrder: ByteOrder): PlainValue {
  if (isTensor(part) || isUnsupportedTensor(part)) return describeTensor(part, byteOrder)
  if (isStorageReference(part)) {
    return { kind: "storage", key: part.storage.key, byteLength: part.storage.byteLength }
  }
  if (isKnownGlobal(part)) return { kind: "global", text: `${part.module}.${part.name}` }
  if (part.kind === "object:complex") {
    const { real, imaginary } = part as ComplexNumber
    return { kind: "complex", real, imaginary }
  }
  const { kind, text } = part as NamedConstant
  return { kind: kind === "object:device" ? "device" : "layout", text }
}
