/** Reads what a header says about one tensor: `TensorInfo` in safetensors/src/tensor.rs. */

import { afterRest, type Rest } from "../bytes/turns.ts"
import { quoteText } from "../text/quote-text.ts"
import type { EntryFields } from "./check-header.ts"
import { SAFETENSORS_DTYPES } from "./dtypes.ts"
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

  /** Reads the object that comes next, which describes `tensor`, named at `nameIndex`, into `fields`. */
  read(tensor: string, nameIndex: number, fields: EntryFields): Rest {
    const reader = this.#reader
    let seen = 0
    let unknown: Set<string> | undefined
    const rest = reader.readObject((field, index) => {
      const place = FIELDS.indexOf(field as (typeof FIELDS)[number])
      if (place === -1) {
        unknown ??= new Set()
        return this.#skipUnknown(unknown, field, index, tensor)
      }
      if ((seen & (1 << place)) !== 0) reader.note("field-duplicate", `${field} comes twice`, index, tensor)
      seen |= 1 << place
      if (place === 0) return this.#readDtype(tensor, fields)
      return place === 1 ? this.#readShape(tensor, fields) : this.#readRange(tensor, fields)
    })
    return afterRest(rest, () => {
      if (seen === ALL_FIELDS) return
      for (const [place, field] of FIELDS.entries()) {
        if ((seen & (1 << place)) === 0)
          reader.note("field-missing", `${field} is missing`, nameIndex, tensor)
      }
    })
  }

  #skipUnknown(unknown: Set<string>, field: string, index: number, tensor: string): Rest {
    this.#onUnknown(index)
    const rule = unknown.has(field) ? "field-duplicate" : "field-unknown"
    this.#reader.note(rule, `${quoteText(field)} is not a field of the format`, index, tensor)
    unknown.add(field)
    return this.#reader.skipValue()
  }

  #readDtype(tensor: string, fields: EntryFields): Rest {
    const reader = this.#reader
    fields.dtype = undefined
    if (!reader.isNext("string", "dtype-type", "the dtype is not a string", tensor)) return reader.skipValue()
    const { index } = reader
    const dtype = reader.readString()
    fields.dtype = SAFETENSORS_DTYPES.get(dtype)
    if (fields.dtype === undefined) {
      reader.note("dtype-unknown", `no dtype is called ${quoteText(dtype)}`, index, tensor)
    }
    return undefined
  }

  #readShape(tensor: string, fields: EntryFields): Rest {
    const { index } = this.#reader
    fields.shape = undefined
    return this.#readIntegers(tensor, SHAPE, this.#maxRank, (integers, count) => {
      if (count <= this.#maxRank) {
        fields.shape = integers
        return
      }
      const problem = `the shape has ${count} dimensions, above the limit of ${this.#maxRank}`
      this.#reader.note("shape-rank", problem, index, tensor)
    })
  }

  #readRange(tensor: string, fields: EntryFields): Rest {
    const { index } = this.#reader
    fields.range = undefined
    return this.#readIntegers(tensor, OFFSETS, 2, ([start, end], count) => {
      if (start !== undefined && end !== undefined && count === 2) fields.range = [start, end]
      else this.#reader.note("offsets-type", `data_offsets has ${count} values, not 2`, index, tensor)
    })
  }

  /**
   * An array of integers from 0 to 2^53 - 1, of which no more than `kept` are kept. `use` gets them, and how many there
   * were; when it is not that, each wrong item has a finding instead.
   */
  #readIntegers(
    tensor: string,
    field: IntegerField,
    kept: number,
    use: (integers: number[], count: number) => void,
  ): Rest {
    const reader = this.#reader
    if (!reader.isNext("array", field.type, field.problem, tensor)) return reader.skipValue()
    const integers: number[] = []
    let count = 0
    let allGood = true
    const rest = reader.readArray(() => {
      const isNumber = reader.kind() === "number"
      const { index } = reader
      const place = count++
      if (isNumber) {
        const value = this.#checked(reader.readInteger(), tensor, field, index)
        if (value === undefined) allGood = false
        else if (place < kept) integers.push(value)
        return undefined
      }
      allGood = false
      return afterRest(reader.skipValue(), () => void this.#checked(undefined, tensor, field, index))
    })
    return afterRest(rest, () => {
      if (allGood) use(integers, count)
    })
  }

  /** The value when it is good; undefined, with a finding, otherwise. */
  #checked(
    value: number | bigint | undefined,
    tensor: string,
    { field, type, range }: IntegerField,
    index: number,
  ): number | undefined {
    const reader = this.#reader
    if (typeof value === "number" && value >= 0) return value
    if (typeof value === "bigint" && value > 0n && value <= MAX_UINT64) {
      reader.note(range, `${field} holds ${value}, which is above 2^53 - 1`, index, tensor)
    } else {
      reader.note(type, `${field} holds what is not an integer from 0 up`, index, tensor)
    }
    return undefined
  }
}
