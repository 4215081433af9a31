/** Python values as the slow reader holds them. Integers are always bigints, so that nothing is lost or mixed up. */

import type { TestTensor } from "../property/model.ts"

export class SlowError extends Error {}

export class SlowFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

export class SlowTuple {
  readonly items: readonly SlowValue[]

  constructor(items: readonly SlowValue[]) {
    this.items = items
  }
}

export class SlowList {
  readonly items: SlowValue[] = []
}

export class SlowSet {
  readonly items: SlowValue[]
  readonly frozen: boolean

  constructor(items: SlowValue[], frozen: boolean) {
    this.items = []
    this.frozen = frozen
    this.add(items)
  }

  add(items: readonly SlowValue[]): void {
    for (const item of items) requireHash(item)
    this.items.push(...items)
  }
}

/** Tuples that have a hash: one may stand in many. */
const HASHED = new WeakSet<SlowTuple>()

/** Python hashes what becomes a key or a member: a tuple by its items, and nothing that changes. */
function requireHash(value: SlowValue): void {
  const changes = value instanceof SlowList || value instanceof SlowDict
  if (changes || (value instanceof SlowSet && !value.frozen)) throw new SlowError("unhashable")
  if (!(value instanceof SlowTuple) || HASHED.has(value)) return
  value.items.forEach(requireHash)
  HASHED.add(value)
}

/** Every kind of dict. Looks for a key from first to last, with Python's `==`. */
export class SlowDict {
  readonly entries: { key: SlowValue; value: SlowValue }[] = []
  readonly ordered: boolean
  /** Whether BUILD gave it attributes. */
  hasState = false

  constructor(ordered: boolean) {
    this.ordered = ordered
  }

  set(key: SlowValue, value: SlowValue): void {
    requireHash(key)
    const entry = this.entries.find((each) => slowEquals(each.key, key))
    if (entry === undefined) this.entries.push({ key, value })
    else entry.value = value
  }

  get(name: string): SlowValue | undefined {
    return this.entries.find(({ key }) => key === name)?.value
  }
}

/** A class or function, by name. */
export class SlowGlobal {
  readonly module: string
  readonly name: string

  constructor(module: string, name: string) {
    this.module = module
    this.name = name
  }
}

/** A storage whose bytes may be known only later; `dtype` is torch's name, undefined for an untyped one. */
export interface SlowStorage {
  readonly key: string
  readonly byteLength: number
  readonly dtype: undefined
  bytes: Uint8Array
}

/** A storage as one persistent id saw it. */
export class SlowReference {
  readonly storage: SlowStorage
  readonly dtype: string | undefined
  readonly itemBytes: number
  /** First element of the view, and how many there are. */
  readonly first: number
  readonly count: number

  constructor(
    storage: SlowStorage,
    dtype: string | undefined,
    itemBytes: number,
    first: number,
    count: number,
  ) {
    this.storage = storage
    this.dtype = dtype
    this.itemBytes = itemBytes
    this.first = first
    this.count = count
  }
}

/** A tensor; `view` is undefined for one that safetensors cannot hold. */
export class SlowTensor {
  readonly view: TestTensor | undefined
  /** How many dimensions it has; those of an unknown kind count as one. */
  readonly rank: number

  constructor(view: TestTensor | undefined, rank = view?.shape.length ?? 1) {
    this.view = view
    this.rank = rank
  }
}

/** Something inert: a device, a complex number. */
export class SlowOpaque {}

export type SlowValue =
  | null
  | boolean
  | bigint
  | string
  | Uint8Array
  | SlowFloat
  | SlowTuple
  | SlowList
  | SlowSet
  | SlowDict
  | SlowGlobal
  | SlowReference
  | SlowTensor
  | SlowOpaque

/** Python's `==`, as far as keys of dicts need it. */
export function slowEquals(a: SlowValue, b: SlowValue): boolean {
  if (a === b) return true
  if (isNumber(a) && isNumber(b)) return numberOf(a) === numberOf(b)
  if (a instanceof SlowTuple && b instanceof SlowTuple) {
    return (
      a.items.length === b.items.length && a.items.every((item, i) => slowEquals(item, b.items[i] ?? null))
    )
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return false
}

function isNumber(value: SlowValue): value is boolean | bigint | SlowFloat {
  return typeof value === "boolean" || typeof value === "bigint" || value instanceof SlowFloat
}

/** Whole numbers as bigints, others as they are: the two never compare equal with `===`. */
function numberOf(value: boolean | bigint | SlowFloat): bigint | number {
  if (typeof value === "bigint") return value
  if (typeof value === "boolean") return value ? 1n : 0n
  return Number.isInteger(value.value) ? BigInt(value.value) : value.value
}
