/** The storages that a pickle refers to: one a key, and every mention of it must agree. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { describeValue, PickleTuple, type PickleValue } from "../pickle/values.ts"
import type { Dtype } from "../tensors/tensor.ts"
import { quoteText } from "../text/quote-text.ts"
import { isKnownGlobal } from "./allowed-globals.ts"
import { type CallSite, faultAt } from "./call-site.ts"
import { STORAGE_CONFLICT, STORAGE_DTYPE, STORAGE_REFERENCE, STORAGE_SIZE, TENSOR_BOUNDS } from "./errors.ts"
import { NOWHERE, type StorageReference, type TorchStorage } from "./torch-tensors.ts"

/** What a persistent id says (`torch/serialization.py`, `persistent_id`). */
interface StorageMention {
  readonly key: string
  /** The key as a number (`smallDecimal`), -1 where it is none. */
  readonly number: number
  readonly location: string
  /** Undefined for an untyped storage. */
  readonly dtype: Dtype | undefined
  /** Elements of `dtype`, or bytes. */
  readonly elementCount: number
  readonly byteLength: number
}

/** Finds where a storage's bytes lie. Called once a key; throws where there is none or its size is another. */
type LocateStorage = (
  mention: Pick<StorageMention, "key" | "number" | "byteLength">,
  site: CallSite,
) => ByteExtent

/** How many fields a persistent id may have: in an archive, in the legacy layout, and where either may have been. */
export const ZIP_FIELDS: readonly number[] = [5]
export const LEGACY_FIELDS: readonly number[] = [6]
export const ANY_FIELDS: readonly number[] = [5, 6]

/** All storages of one checkpoint. */
export class StorageTable {
  readonly #storages: TorchStorage[] = []
  /** As they were mentioned first, by their keys as numbers, as long as these count up from 0. */
  readonly #counted: StorageReference[] = []
  /** All others, by their keys. */
  readonly #others = new Map<string, StorageReference>()
  /** Views by their keys, each as a text of all that it says. */
  readonly #views = new Map<string, string>()
  readonly #locate: LocateStorage

  constructor(locate: LocateStorage) {
    this.#locate = locate
  }

  /** In the order in which the pickle names them first. */
  storages(): readonly TorchStorage[] {
    return this.#storages
  }

  /**
   * The storage that a persistent id refers to: `('storage', class, key, location, count[, view])`. The sixth field is of
   * the legacy layout, which always has it: None, or a view. torch takes neither more fields nor fewer.
   */
  refer(id: PickleValue, site: CallSite, fields: readonly number[]): StorageReference {
    if (!(id instanceof PickleTuple)) {
      throw faultAt(site, STORAGE_REFERENCE, `a persistent id is ${describeValue(id)}, not a tuple`)
    }
    const { items } = id
    const tag = items[0]
    const view = items[5] ?? null
    if (tag !== "storage" || !fields.includes(items.length)) {
      const shown = typeof tag === "string" ? quoteText(tag) : describeValue(tag ?? null)
      throw faultAt(site, STORAGE_REFERENCE, `a persistent id of kind ${shown} with ${items.length} fields`)
    }
    const mention = readMention(id, site)
    const whole = this.#wholeStorage(mention, site)
    return view === null ? whole : this.#view(mention.key, whole, view, site)
  }

  /**
   * A part of a storage, as torch before 0.4 saved it: `(key of the view, first element, elements)`. torch looks at its
   * key alone when it comes up again, so every mention must say the same, and no storage may have that key.
   */
  #view(storageKey: string, whole: StorageReference, view: PickleValue, site: CallSite): StorageReference {
    if (!(view instanceof PickleTuple) || view.items.length !== 3) {
      throw faultAt(site, STORAGE_REFERENCE, "a storage view is not a tuple of three")
    }
    const [key, offset, count] = view.items
    const part = viewOf(whole, offset, count, site)
    if (typeof key !== "string")
      throw faultAt(site, STORAGE_REFERENCE, "the key of a storage view must be text")
    const said = [storageKey, whole.dtype?.name, offset, count].join(" ")
    const known = this.#views.get(key) ?? said
    if (known !== said || this.#find(key, smallDecimal(key)) !== undefined) {
      throw faultAt(
        site,
        STORAGE_CONFLICT,
        `the key ${quoteText(key)} stands for two views, or for a storage`,
      )
    }
    this.#views.set(key, said)
    return part
  }

  #wholeStorage(mention: StorageMention, site: CallSite): StorageReference {
    const { key, number, dtype, byteLength } = mention
    const known = this.#find(key, number)
    if (known === undefined) {
      if (this.#views.has(key)) {
        throw faultAt(site, STORAGE_CONFLICT, `the key ${quoteText(key)} stands for a view and for a storage`)
      }
      const extent = this.#locate(mention, site)
      const { elementCount, location } = mention
      const index = this.#storages.length
      const storage: TorchStorage = { index, key, byteLength, elementCount, location, extent }
      const reference = makeReference(storage, mention)
      this.#storages.push(storage)
      if (number === this.#counted.length) this.#counted.push(reference)
      else this.#others.set(key, reference)
      return reference
    }
    if (known.storage.byteLength !== byteLength) {
      const problem = `storage ${quoteText(key)} has ${known.storage.byteLength} and then ${byteLength} bytes`
      throw faultAt(site, STORAGE_CONFLICT, problem)
    }
    // torch reads a storage on `meta` again when it is mentioned elsewhere, and keeps one that has bytes.
    if ((known.storage.location === NOWHERE) !== (mention.location === NOWHERE)) {
      const problem = `storage ${quoteText(key)} lies on ${quoteText(known.storage.location)} and then elsewhere`
      throw faultAt(site, STORAGE_CONFLICT, problem)
    }
    if (dtype !== undefined && known.dtype !== undefined && known.dtype !== dtype) {
      const problem = `storage ${quoteText(key)} is ${known.dtype.name} and then ${dtype.name}`
      throw faultAt(site, STORAGE_CONFLICT, problem)
    }
    // torch takes a storage that it meets untyped for bytes from then on, and saves no other type beside it.
    if (known.dtype === undefined && dtype !== undefined && dtype.name !== "uint8") {
      const problem = `storage ${quoteText(key)} is untyped and then ${dtype.name}`
      throw faultAt(site, STORAGE_CONFLICT, problem)
    }
    return known.dtype === dtype ? known : makeReference(known.storage, mention)
  }

  #find(key: string, number: number): StorageReference | undefined {
    return number >= 0 && number < this.#counted.length ? this.#counted[number] : this.#others.get(key)
  }
}

function makeReference(storage: TorchStorage, { dtype, elementCount }: StorageMention): StorageReference {
  return { kind: "object:storage", storage, dtype, elementOffset: 0, elementCount }
}

function readMention(id: PickleTuple, site: CallSite): StorageMention {
  // By index: this runs once a tensor, and taking an array apart goes through its iterator.
  const { items } = id
  const type = items[1]
  const key = items[2]
  const location = items[3]
  const elementCount = items[4]
  if (!isKnownGlobal(type) || type.meaning.is !== "storage-class") {
    throw faultAt(site, STORAGE_DTYPE, "a persistent id names something that is not a storage class")
  }
  if (typeof key !== "string" || typeof location !== "string") {
    throw faultAt(site, STORAGE_REFERENCE, "a storage's key and location must be text")
  }
  if (typeof elementCount !== "number" || elementCount < 0) {
    const shown = typeof elementCount === "number" ? elementCount : describeValue(elementCount ?? null)
    throw faultAt(site, STORAGE_SIZE, `storage ${quoteText(key)} has ${shown} as its number of elements`)
  }
  const { dtype } = type.meaning
  const byteLength = elementCount * (dtype?.itemBytes ?? 1)
  if (!Number.isSafeInteger(byteLength)) {
    throw faultAt(site, STORAGE_SIZE, `storage ${quoteText(key)} has ${elementCount} elements: too many`)
  }
  return { key, number: smallDecimal(key), location, dtype, elementCount, byteLength }
}

function viewOf(
  whole: StorageReference,
  offset: PickleValue | undefined,
  count: PickleValue | undefined,
  site: CallSite,
): StorageReference {
  const inside =
    typeof offset === "number" &&
    typeof count === "number" &&
    offset >= 0 &&
    count >= 0 &&
    offset + count <= whole.elementCount
  if (!inside) {
    throw faultAt(site, TENSOR_BOUNDS, `a storage view lies outside its ${whole.elementCount} elements`)
  }
  return { ...whole, elementOffset: offset, elementCount: count }
}

const ZERO = 0x30

/** So many digits are exact, and no more than millions of storages have them. */
const MOST_DIGITS = 7

/**
 * The number that `text` from `start` on is in decimal, as it is written by rule; -1 for a larger one and for all else.
 * torch counts storages from 0, so that an array can stand for a map of texts: to look up `tiny/data/12345` means to join
 * it, hash it and compare it, a microsecond a tensor in a process that has just begun.
 */
export function smallDecimal(text: string, start = 0): number {
  const digits = text.length - start
  if (digits < 1 || digits > MOST_DIGITS) return -1
  if (digits > 1 && text.charCodeAt(start) === ZERO) return -1
  let value = 0
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
