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

/** A Python complex number. */
export interface ComplexNumber extends PickleObject {
  readonly kind: "object:complex"
  readonly real: number
  readonly imaginary: number
}

export function isComplex(value: object): value is ComplexNumber {
  return "kind" in value && value.kind === "object:complex"
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
  /** What it is compared by as a key (tuple-keys.ts): undefined until it is one, null where it equals itself alone. */
  asKey?: string | null
  /** Whether Python can hash it: undefined until that is asked (tuple-keys.ts). */
  hashable?: boolean

  constructor(items: readonly PickleValue[]) {
    this.items = items
  }

  get size(): number {
    return this.items.length
  }
}

/** Has no array before it has items: one byte of pickle makes an empty list. */
export class PickleList {
  readonly kind = "list"
  #items: PickleValue[] | undefined

  get size(): number {
    return this.#items?.length ?? 0
  }

  get items(): PickleValue[] {
    this.#items ??= []
    return this.#items
  }

  /** Adds `items`, which belong to the list from now on. */
  append(items: PickleValue[]): void {
    this.#items = joined(this.#items, items)
  }
}

/** Equal members are one, as in Python: that of the first. */
export class PickleSet {
  readonly kind = "set"
  readonly frozen: boolean
  #items: PickleValue[] | undefined
  #mayRepeat = true

  constructor(frozen: boolean, items?: PickleValue[]) {
    this.frozen = frozen
    this.#items = items
  }

  /** As they were added: equal ones count. */
  get size(): number {
    return this.#items?.length ?? 0
  }

  get items(): readonly PickleValue[] {
    if (this.#items === undefined) return NOTHING
    // Looked for when somebody asks for them: hardly anybody does.
    if (this.#mayRepeat) {
      const seen = new Set<unknown>()
      this.#items = this.#items.filter((item) => {
        const { size } = seen
        return seen.add(keyIdentity(item)).size > size
      })
      this.#mayRepeat = false
    }
    return this.#items
  }

  /** Adds `items`, which belong to the set from now on. */
  append(items: PickleValue[]): void {
    this.#items = joined(this.#items, items)
    this.#mayRepeat = true
  }
}

const NOTHING: readonly PickleValue[] = /* @__PURE__ */ Object.freeze([])

/** The first items become the array: copying them would take as much again, and growing it more. */
function joined(present: PickleValue[] | undefined, items: PickleValue[]): PickleValue[] {
  if (present === undefined) return items
  for (const item of items) present.push(item)
  return present
}

/** One entry of a mapping; the key is the one written first, the value the one written last, as in Python. */
export interface PickleEntry {
  readonly key: PickleValue
  value: PickleValue
}

/**
 * Up to so many entries are looked for one by one. A dict of one entry then takes 185 bytes instead of 313, where 248 are
 * charged for it, and filling one of two to four takes half the time.
 */
const FEW_ENTRIES = 4

const NO_ENTRIES: readonly PickleEntry[] = /* @__PURE__ */ Object.freeze([])

/** A mapping in insertion order. Keys are equal where Python says so: `1`, `1.0`, `True` and `1+0j` are one key. */
export class PickleDict {
  readonly kind = "dict"
  readonly type: "dict" | "OrderedDict" | "Counter" | "defaultdict"
  /** Whether it was given state beside its entries, which is not kept: torch gives a module's state dict its versions. */
  hasState = false
  /** An array while there are few. None before the first. */
  #entries: Map<unknown, PickleEntry> | PickleEntry[] | undefined

  constructor(type: PickleDict["type"] = "dict") {
    this.type = type
  }

  get size(): number {
    const entries = this.#entries
    if (entries === undefined) return 0
    return entries instanceof Map ? entries.size : entries.length
  }

  set(key: PickleValue, value: PickleValue): void {
    const identity = keyIdentity(key)
    const entries = this.#entries
    if (typeof key === "string" && entries instanceof Map) {
      // Equal texts are one key, so that the entry may be another one, in the same place: that saves a look.
      entries.set(identity, { key, value })
      return
    }
    const entry = this.#find(identity)
    if (entry !== undefined) entry.value = value
    else if (entries instanceof Map) entries.set(identity, { key, value })
    else if (entries === undefined) this.#entries = [{ key, value }]
    else if (entries.length < FEW_ENTRIES) entries.push({ key, value })
    else {
      const map = new Map(entries.map((each) => [keyIdentity(each.key), each]))
      this.#entries = map.set(identity, { key, value })
    }
  }

  get(key: PickleValue): PickleValue | undefined {
    return this.#find(keyIdentity(key))?.value
  }

  entries(): IterableIterator<PickleEntry> {
    return (this.#entries ?? NO_ENTRIES).values()
  }

  #find(identity: unknown): PickleEntry | undefined {
    const entries = this.#entries
    if (entries === undefined) return undefined
    if (entries instanceof Map) return entries.get(identity)
    for (const entry of entries) if (keyIdentity(entry.key) === identity) return entry
    return undefined
  }
}

/** What an identity begins with that stands for no text. Texts that do get another. */
const ESCAPE = "\0"

/** Longer bytes are equal only to themselves here: they name no tensor. */
const MOST_KEY_BYTES = 256

/** What keys are compared by, as a `Map` compares. Tuples must have been written down before (tuple-keys.ts). */
export function keyIdentity(key: PickleValue): unknown {
  if (typeof key === "string") return key.startsWith(ESCAPE) ? `${ESCAPE}s${key}` : key
  if (typeof key === "boolean") return key ? 1 : 0
  if (typeof key !== "object" || key === null) return key
  // NaN equals nothing, itself included, unless it is the same object.
  if (key instanceof PickleFloat) return Number.isNaN(key.value) ? key : numberIdentity(key.value)
  if (key instanceof PickleTuple) return key.asKey == null ? key : `${ESCAPE}t${key.asKey}`
  if (key instanceof Uint8Array) {
    return key.length > MOST_KEY_BYTES ? key : `${ESCAPE}b${String.fromCharCode(...key)}`
  }
  if (!isComplex(key) || Number.isNaN(key.real) || Number.isNaN(key.imaginary)) return key
  // Adding 0 takes the sign from -0.
  return key.imaginary === 0 ? numberIdentity(key.real) : `${ESCAPE}c${key.real + 0},${key.imaginary}`
}

/** A whole float is the integer it equals, and -0 is 0. */
function numberIdentity(value: number): number | bigint {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value + 0
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
