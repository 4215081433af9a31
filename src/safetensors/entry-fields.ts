/** Reads what a header says about one tensor: `TensorInfo` in safetensors/src/tensor.rs. */

import { quoteText } from "../quote-text.ts"
import type { EntryFields } from "./check-header.ts"
import { type DtypeFacts, SAFETENSORS_DTYPES } from "./dtypes.ts"
import type { HeaderRule } from "./header-rules.ts"
import type { JsonReader } from "./json-reader.ts"

/** The fields of an entry, each of which must be there once. */
const FIELDS = ["dtype", "shape", "data_offsets"] as const
/** A bit for each field. */
const ALL_FIELDS = 0b111

/** A field that holds integers, and the findings for items that are none and for those that are too large. */
interface IntegerField {
  readonly field: string
  readonly type: HeaderRule
  readonly range: HeaderRule
  /** Said of what is no array. */
  readonly problem: string
}

const SHAPE: IntegerField = {
  field: "shape",
  type: "shape-type",
  range: "shape-range",
  problem: "shape is not an array",
}

const OFFSETS: IntegerField = {
  field: "data_offsets",
  type: "offsets-type",
  range: "offsets-range",
  problem: "data_offsets is not an array",
}

/** Above this serde_json makes a double of an integer. */
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

/** Reads entries. A wrong value is a finding, and the field is left undefined. */
export class EntryFieldReader {
  readonly #reader: JsonReader
  readonly #maxRank: number
  readonly #onUnknown: (index: number) => void

  /** `onUnknown` is told where each unknown field is named, and stops the reading by throwing. */
  constructor(reader: JsonReader, maxRank: number, onUnknown: (index: number) => void) {
    this.#reader = reader
    this.#maxRank = maxRank
    this.#onUnknown = onUnknown
  }

  /** Reads the object that comes next, which describes `tensor`, named at `nameIndex`. */
  read(tensor: string, nameIndex: number): EntryFields {
    const reader = this.#reader
    const fields: EntryFields = { dtype: undefined, shape: undefined, range: undefined }
    let seen = 0
    let unknown: Set<string> | undefined
    reader.readObject((field, index) => {
      const place = FIELDS.indexOf(field as (typeof FIELDS)[number])
      if (place === -1) {
        unknown ??= new Set()
        this.#skipUnknown(unknown, field, index, tensor)
        return
      }
      if ((seen & (1 << place)) !== 0) reader.note("field-duplicate", `${field} comes twice`, index, tensor)
      seen |= 1 << place
      if (place === 0) fields.dtype = this.#readDtype(tensor)
      else if (place === 1) fields.shape = this.#readShape(tensor)
      else fields.range = this.#readRange(tensor)
    })
    if (seen === ALL_FIELDS) return fields
    for (const [place, field] of FIELDS.entries()) {
      if ((seen & (1 << place)) === 0) reader.note("field-missing", `${field} is missing`, nameIndex, tensor)
    }
    return fields
  }

  #skipUnknown(unknown: Set<string>, field: string, index: number, tensor: string): void {
    this.#onUnknown(index)
    const rule = unknown.has(field) ? "field-duplicate" : "field-unknown"
    this.#reader.note(rule, `${quoteText(field)} is not a field of the format`, index, tensor)
    unknown.add(field)
    this.#reader.skipValue()
  }

  #readDtype(tensor: string): DtypeFacts | undefined {
    const reader = this.#reader
    if (!reader.isNext("string", "dtype-type", "the dtype is not a string", tensor)) return undefined
    const { index } = reader
    const dtype = reader.readString()
    const facts = SAFETENSORS_DTYPES.get(dtype)
    if (facts === undefined) {
      reader.note("dtype-unknown", `no dtype is called ${quoteText(dtype)}`, index, tensor)
    }
    return facts
  }

  #readShape(tensor: string): number[] | undefined {
    const { index } = this.#reader
    const read = this.#readIntegers(tensor, SHAPE, this.#maxRank)
    if (read === undefined || read.count <= this.#maxRank) return read?.integers
    const problem = `the shape has ${read.count} dimensions, above the limit of ${this.#maxRank}`
    this.#reader.note("shape-rank", problem, index, tensor)
    return undefined
  }

  #readRange(tensor: string): readonly [number, number] | undefined {
    const { index } = this.#reader
    const read = this.#readIntegers(tensor, OFFSETS, 2)
    if (read === undefined) return undefined
    const [start, end] = read.integers
    if (start !== undefined && end !== undefined && read.count === 2) return [start, end]
    this.#reader.note("offsets-type", `data_offsets has ${read.count} values, not 2`, index, tensor)
    return undefined
  }

  /**
   * An array of integers from 0 to 2^53 - 1, of which no more than `kept` are kept; undefined, with a finding for each
   * wrong item, when it is not that.
   */
  #readIntegers(
    tensor: string,
    field: IntegerField,
    kept: number,
  ): { integers: number[]; count: number } | undefined {
    if (!this.#reader.isNext("array", field.type, field.problem, tensor)) return undefined
    const integers: number[] = []
    let count = 0
    let allGood = true
    this.#reader.readArray(() => {
      const value = this.#readInteger(tensor, field)
      if (value === undefined) allGood = false
      else if (count < kept) integers.push(value)
      count++
    })
    return allGood ? { integers, count } : undefined
  }

  #readInteger(tensor: string, { field, type, range }: IntegerField): number | undefined {
    const reader = this.#reader
    const isNumber = reader.kind() === "number"
    const { index } = reader
    const value = isNumber ? reader.readInteger() : reader.skipValue()
    if (typeof value === "number" && value >= 0) return value
    if (typeof value === "bigint" && value > 0n && value <= MAX_UINT64) {
      reader.note(range, `${field} holds ${value}, which is above 2^53 - 1`, index, tensor)
    } else {
      reader.note(type, `${field} holds what is not an integer from 0 up`, index, tensor)
    }
    return undefined
  }
}
