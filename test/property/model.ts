/** What a test checkpoint holds, before it is written. */

import type { Dtype } from "./dtypes.ts"

/** A storage. */
export interface TestStorage {
  readonly key: string
  /** Undefined for an untyped storage. */
  readonly dtype: Dtype | undefined
  readonly bytes: Uint8Array
}

/** A tensor: a view of a storage. */
export interface TestTensor {
  readonly kind: "tensor"
  readonly storage: TestStorage
  readonly dtype: Dtype
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly conj: boolean
  readonly neg: boolean
  /** Refers to a typed storage as an untyped one, as torch does for a second dtype. */
  readonly untyped: boolean
  /** Wrapped in a Parameter. */
  readonly parameter: boolean
  /** First element of the part of the storage that it is seen through. Old legacy files only. */
  readonly viewStart: number
}

/** A Python tuple. */
export class Tuple {
  readonly items: readonly TestValue[]

  constructor(items: readonly TestValue[]) {
    this.items = items
  }
}

/** A Python float. */
export class Float {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A Python value: maps are dicts (ordered ones where `ordered` says so), arrays are lists. */
export type TestValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Float
  | Tuple
  | TestTensor
  | readonly TestValue[]
  | ReadonlyMap<string | number | boolean | null | Float | Tuple, TestValue>

export function isTestTensor(value: TestValue): value is TestTensor {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "tensor"
}

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Strides of a C-contiguous tensor. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = new Array(shape.length).fill(1)
  for (let d = shape.length - 2; d >= 0; d--) {
    strides[d] = (strides[d + 1] ?? 1) * Math.max(shape[d + 1] ?? 1, 1)
  }
  return strides
}

/** Elements of a storage that holds the view, from its first element on. */
export function elementsNeeded(offset: number, shape: readonly number[], strides: readonly number[]): number {
  if (elementCount(shape) === 0) return 0
  return shape.reduce((last, size, d) => last + (size - 1) * (strides[d] ?? 0), offset) + 1
}

/** Bytes without a pattern, the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state & 255
  }
  return bytes
}

let keys = 0

/** Storages made from here on have the keys, and so the bytes, that the first ones had. */
export function beginKeysAnew(): void {
  keys = 0
}

/** A contiguous tensor over a storage of its own. */
export function tensor(
  dtype: Dtype,
  shape: readonly number[],
  changes: Partial<TestTensor> & { readonly seed?: number } = {},
): TestTensor {
  const { seed = keys, ...rest } = changes
  const strides = rest.strides ?? contiguousStrides(shape)
  const elements = elementsNeeded(rest.offset ?? 0, shape, strides)
  const storage = rest.storage ?? {
    key: String(keys++),
    dtype: dtype.storageClass === undefined ? undefined : dtype,
    bytes: noise(elements * dtype.itemBytes, seed),
  }
  return {
    kind: "tensor",
    dtype,
    offset: 0,
    shape,
    conj: false,
    neg: false,
    untyped: false,
    parameter: false,
    viewStart: 0,
    ...rest,
    storage,
    strides,
  }
}
