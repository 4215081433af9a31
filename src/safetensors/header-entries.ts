/**
 * Reads the object that a header is: metadata, and one entry a tensor.
 *
 * A wrong value is a finding and reading goes on after it, so that one pass finds everything. Only text that is not
 * JSON ends it. The grammar is that of `HashMetadata` and `TensorInfo` in safetensors/src/tensor.rs.
 */

import { afterRest, type Rest, type Steps } from "../bytes/turns.ts"
import type { Limits } from "../limits/limits.ts"
import { quoteText } from "../text/quote-text.ts"
import { SAFETENSORS_DTYPES, type SafetensorsDtype } from "./dtypes.ts"
import {
  checkEntry,
  type EntryFields,
  type HeaderRule,
  METADATA_KEY,
  type Placement,
} from "./header-rules.ts"
import type { JsonReader } from "./json-reader.ts"

/** A tensor of a safetensors file. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** First byte in the tensor data, which begins at `dataOffset` of the header. */
  readonly start: number
  /** Byte after the last one, in the tensor data. */
  readonly end: number
}

/** What a header says, as far as it could be read. */
export interface HeaderEntries {
  readonly metadata: ReadonlyMap<string, string> | undefined
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>
  /** Every range that was read, those of tensors with other faults too. */
  readonly placements: readonly Placement[]
  /** False when some tensor has no usable range, so that holes mean nothing. */
  readonly allPlaced: boolean
}

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

/** Reads one header. */
export class HeaderEntryReader {
  readonly #reader: JsonReader
  readonly #maxRank: number
  readonly #maxTensors: number
  readonly #tensors = new Map<string, SafetensorsTensor>()
  /** Names of tensors that are not in `#tensors`, because something of them is missing or wrong. */
  readonly #otherNames = new Set<string>()
  readonly #placements: Placement[] = []
  #entryCount = 0
  #allPlaced = true
  #metadata: Map<string, string> | undefined
  #metadataSeen = false

  constructor(reader: JsonReader, limits: Limits) {
    this.#reader = reader
    this.#maxRank = limits.maxRank
    this.#maxTensors = limits.maxTensors
  }

  /** Reads the object that comes next. @throws `safetensors-invalid` when it is not JSON or too large. */
  *read(): Steps<HeaderEntries> {
    const rest = this.#reader.readObject((key, keyIndex) =>
      key === METADATA_KEY ? this.#readMetadata(keyIndex) : this.#readTensor(key, keyIndex),
    )
    if (rest !== undefined) yield* rest
    return {
      metadata: this.#metadata,
      tensors: this.#tensors,
      placements: this.#placements,
      allPlaced: this.#allPlaced,
    }
  }

  #readMetadata(keyIndex: number): Rest {
    const reader = this.#reader
    if (this.#metadataSeen) reader.note("metadata-duplicate", "the header has metadata twice", keyIndex)
    this.#metadataSeen = true
    const rule = reader.kind() === "null" ? "metadata-null" : "metadata-type"
    const problem = "the metadata is not an object of strings"
    if (!reader.isNext("object", rule, problem, undefined, keyIndex)) return reader.skipValue()
    const metadata = new Map<string, string>()
    this.#metadata = metadata
    return reader.readObject((key, index) => {
      this.#countEntry(index)
      if (metadata.has(key)) reader.note("metadata-key-duplicate", "the metadata has a key twice", index)
      const isText = reader.isNext(
        "string",
        "metadata-value-type",
        "a metadata value is not a string",
        undefined,
        index,
      )
      if (!isText) return reader.skipValue()
      metadata.set(key, reader.readString())
      return undefined
    })
  }

  #readTensor(name: string, keyIndex: number): Rest {
    this.#countEntry(keyIndex)
    if (this.#tensors.has(name) || this.#otherNames.has(name)) {
      this.#reader.note("name-duplicate", "two tensors have this name", keyIndex, name)
    }
    if (name.includes("\0")) this.#reader.note("name-nul", "the name holds a NUL character", keyIndex, name)
    const fields: EntryFields = { dtype: undefined, shape: undefined, range: undefined }
    return afterRest(this.#readFields(name, keyIndex, fields), () => {
      const fault = checkEntry(fields)
      if (fault !== undefined) this.#reader.note(fault.rule, fault.problem, keyIndex, name)
      this.#keep(name, fields)
    })
  }

  /** Reads what describes the tensor `name`, named at `nameIndex`, into `fields`. A wrong value leaves one undefined. */
  #readFields(name: string, nameIndex: number, fields: EntryFields): Rest {
    const reader = this.#reader
    const problem = "the tensor is not described by an object"
    if (!reader.isNext("object", "entry-type", problem, name, nameIndex)) return reader.skipValue()
    let seen = 0
    let unknown: Set<string> | undefined
    const rest = reader.readObject((field, index) => {
      const place = FIELDS.indexOf(field as (typeof FIELDS)[number])
      if (place === -1) {
        unknown ??= new Set()
        return this.#skipUnknown(unknown, field, index, name)
      }
      if ((seen & (1 << place)) !== 0) reader.note("field-duplicate", `${field} comes twice`, index, name)
      seen |= 1 << place
      if (place === 0) return this.#readDtype(name, fields)
      return place === 1 ? this.#readShape(name, fields) : this.#readRange(name, fields)
    })
    return afterRest(rest, () => {
      if (seen === ALL_FIELDS) return
      for (const [place, field] of FIELDS.entries()) {
        if ((seen & (1 << place)) === 0) reader.note("field-missing", `${field} is missing`, nameIndex, name)
      }
    })
  }

  #skipUnknown(unknown: Set<string>, field: string, index: number, tensor: string): Rest {
    this.#countEntry(index)
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

  /** Keeps the tensor when nothing of it is missing, and its range when that can be used. */
  #keep(name: string, { dtype, shape, range }: EntryFields): void {
    if (range === undefined || range[1] < range[0]) {
      this.#allPlaced = false
      this.#otherNames.add(name)
      return
    }
    const [start, end] = range
    this.#placements.push({ name, start, end })
    if (dtype === undefined || shape === undefined) this.#otherNames.add(name)
    else this.#tensors.set(name, { dtype: dtype.dtype, shape, start, end })
  }

  /** Counts what takes memory by the entry: a tensor, a metadata key, an unknown field. */
  #countEntry(index: number): void {
    this.#entryCount++
    if (this.#entryCount <= this.#maxTensors) return
    const problem = `the header has more than ${this.#maxTensors} tensors, metadata keys and unknown fields`
    throw this.#reader.stop("too-many-entries", problem, index)
  }
}
