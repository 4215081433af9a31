/**
 * What a pickle holds once it has been interpreted: plain data, and the objects that a policy makes.
 *
 * Nothing here has behaviour beyond holding its parts. Text from a file only ever keys a `Map`.
 */

/** A value in an interpreted pickle. Integers above 2^53 - 1 are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleFloat
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleSet
  | RefusedReference
  | RefusedObject
  | PickleObject

/** Something that the policy made: opaque to the machine. */
export interface PickleObject {
  readonly kind: `object:${string}`
}

/** A Python float. Wrapped, because Python's 1.0 and 1 are different things to whoever reads a shape. */
export class PickleFloat {
  readonly kind = "float"
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

export class PickleTuple {
  readonly kind = "tuple"
  readonly items: readonly PickleValue[]

  constructor(items: readonly PickleValue[]) {
    this.items = items
  }
}

export class PickleList {
  readonly kind = "list"
  readonly items: PickleValue[] = []
}

export class PickleSet {
  readonly kind = "set"
  readonly frozen: boolean
  readonly items: PickleValue[]

  constructor(frozen: boolean, items: PickleValue[] = []) {
    this.frozen = frozen
    this.items = items
  }
}

/** One entry of a mapping; the key is the one written first, the value the one written last, as in Python. */
export interface PickleEntry {
  readonly key: PickleValue
  value: PickleValue
}

const NO_ENTRIES: ReadonlyMap<unknown, PickleEntry> = new Map()

/** A mapping in insertion order. Keys are equal where Python says so: `1`, `1.0` and `True` are one key. */
export class PickleDict {
  readonly kind = "dict"
  readonly type: "dict" | "OrderedDict" | "Counter" | "defaultdict"
  /** Made for the first entry: one byte of pickle makes an empty dict, and an empty `Map` takes 200 bytes. */
  #entries: Map<unknown, PickleEntry> | undefined

  constructor(type: PickleDict["type"] = "dict") {
    this.type = type
  }

  get size(): number {
    return this.#entries?.size ?? 0
  }

  set(key: PickleValue, value: PickleValue): void {
    const identity = keyIdentity(key)
    this.#entries ??= new Map()
    const entry = this.#entries.get(identity)
    if (entry === undefined) this.#entries.set(identity, { key, value })
    else entry.value = value
  }

  get(key: PickleValue): PickleValue | undefined {
    return this.#entries?.get(keyIdentity(key))?.value
  }

  entries(): IterableIterator<PickleEntry> {
    return (this.#entries ?? NO_ENTRIES).values()
  }
}

/**
 * What a `Map` compares keys by. Containers count by identity: hashing them by content would let a small pickle ask
 * for exponential work, and no tensor is named by one.
 */
function keyIdentity(key: PickleValue): unknown {
  if (typeof key === "boolean") return key ? 1 : 0
  return key instanceof PickleFloat ? floatIdentity(key) : key
}

/** A whole float is the integer it equals; NaN equals nothing, itself included, unless it is the same object. */
function floatIdentity(key: PickleFloat): unknown {
  const { value } = key
  if (Number.isNaN(value)) return key
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value
}

/** A global that the policy does not know, where the pickle names it. */
export class RefusedReference {
  readonly kind = "refused-reference"
  readonly module: string
  readonly name: string
  /** Byte offset of the opcode that names it. */
  readonly at: number
  use: "called" | "instantiated" | "mentioned" = "mentioned"

  constructor(module: string, name: string, at: number) {
    this.module = module
    this.name = name
    this.at = at
  }
}

/** What calling a refused global would have made. It was not called; only what it was given is kept. */
export class RefusedObject {
  readonly kind = "refused-object"
  readonly reference: RefusedReference
  readonly parts: PickleValue[]

  constructor(reference: RefusedReference, parts: PickleValue[]) {
    this.reference = reference
    this.parts = parts
  }
}

/** What a value is called in messages. */
export function describeValue(value: PickleValue): string {
  if (value === null) return "None"
  if (value instanceof Uint8Array) return "bytes"
  switch (typeof value) {
    case "boolean":
      return "a bool"
    case "number":
    case "bigint":
      return "an int"
    case "string":
      return "a string"
    default:
      return `a ${value.kind.replace("object:", "")}`
  }
}
