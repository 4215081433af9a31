/**
 * Reads the object that a header is: metadata, and one entry a tensor.
 *
 * A wrong value is a finding and reading goes on after it, so that one pass finds everything. Only text that is not
 * JSON ends it. The grammar is that of `HashMetadata` and `TensorInfo` in safetensors/src/tensor.rs.
 */

import type { Limits } from "../limits.ts"
import { quoteText } from "../quote-text.ts"
import { checkEntry, type EntryFields, type Placement } from "./check-header.ts"
import { type DtypeFacts, SAFETENSORS_DTYPES, type SafetensorsDtype } from "./dtypes.ts"
import { METADATA_KEY } from "./header-format.ts"
import type { HeaderReport } from "./header-report.ts"
import type { HeaderRule } from "./header-rules.ts"
import type { JsonKind, JsonReader } from "./json-reader.ts"

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

/** Findings for items that are no integers, and for integers that are too large. */
interface IntegerRules {
  readonly type: HeaderRule
  readonly range: HeaderRule
}

const SHAPE_RULES: IntegerRules = { type: "shape-type", range: "shape-range" }
const OFFSETS_RULES: IntegerRules = { type: "offsets-type", range: "offsets-range" }

/** Above this serde_json makes a double of an integer. */
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

const KINDS_SAID: Readonly<Record<JsonKind, string>> = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  true: "true",
  false: "false",
  null: "null",
}

/** Reads one header. */
export class HeaderEntryReader {
  readonly #reader: JsonReader
  readonly #report: HeaderReport
  readonly #limits: Limits
  readonly #tensors = new Map<string, SafetensorsTensor>()
  readonly #names = new Set<string>()
  readonly #placements: Placement[] = []
  #entryCount = 0
  #allPlaced = true
  #metadata: Map<string, string> | undefined
  #metadataSeen = false

  constructor(reader: JsonReader, report: HeaderReport, limits: Limits) {
    this.#reader = reader
    this.#report = report
    this.#limits = limits
  }

  /** Reads the object that comes next. @throws `safetensors-invalid` when it is not JSON or too large. */
  read(): HeaderEntries {
    this.#reader.readObject((key, keyIndex) => {
      if (key === METADATA_KEY) this.#readMetadata(keyIndex)
      else this.#readTensor(key, keyIndex)
    })
    return {
      metadata: this.#metadata,
      tensors: this.#tensors,
      placements: this.#placements,
      allPlaced: this.#allPlaced,
    }
  }

  #readMetadata(keyIndex: number): void {
    if (this.#metadataSeen) this.#add("metadata-duplicate", "the header has metadata twice", keyIndex)
    this.#metadataSeen = true
    const kind = this.#reader.kind()
    if (kind === "object") {
      const metadata = new Map<string, string>()
      this.#reader.readObject((key, index) => this.#readMetadataValue(metadata, key, index))
      this.#metadata = metadata
      return
    }
    if (kind === "null") this.#add("metadata-null", "the metadata is null", keyIndex)
    else
      this.#add("metadata-type", `the metadata is not an object of strings but ${KINDS_SAID[kind]}`, keyIndex)
    this.#reader.skipValue()
  }

  #readMetadataValue(metadata: Map<string, string>, key: string, index: number): void {
    if (metadata.has(key)) this.#add("metadata-key-duplicate", "the metadata has a key twice", index)
    const kind = this.#reader.kind()
    if (kind === "string") {
      metadata.set(key, this.#reader.readString())
      return
    }
    this.#add("metadata-value-type", `a metadata value is not a string but ${KINDS_SAID[kind]}`, index)
    this.#reader.skipValue()
  }

  #readTensor(name: string, keyIndex: number): void {
    this.#entryCount++
    if (this.#entryCount > this.#limits.maxTensors) {
      const problem = `the header has more than ${this.#limits.maxTensors} tensors`
      throw this.#report.stop("too-many-tensors", problem, { at: this.#reader.fileOffset(keyIndex) })
    }
    if (this.#names.size === this.#names.add(name).size) {
      this.#add("name-duplicate", "two tensors have this name", keyIndex, name)
    }
    if (name.includes("\0")) this.#add("name-nul", "the name holds a NUL character", keyIndex, name)
    const kind = this.#reader.kind()
    if (kind !== "object") {
      this.#add(
        "entry-type",
        `the tensor is not described by an object but by ${KINDS_SAID[kind]}`,
        keyIndex,
        name,
      )
      this.#reader.skipValue()
      this.#allPlaced = false
      return
    }
    const fields = this.#readFields(name, keyIndex)
    this.#keep(name, keyIndex, fields)
  }

  #readFields(name: string, nameIndex: number): EntryFields {
    const fields: EntryFields = { dtype: undefined, shape: undefined, range: undefined }
    const seen = new Set<string>()
    this.#reader.readObject((field, index) => {
      if (seen.size === seen.add(field).size) this.#add("field-duplicate", "a field comes twice", index, name)
      if (field === "dtype") fields.dtype = this.#readDtype(name)
      else if (field === "shape") fields.shape = this.#readShape(name)
      else if (field === "data_offsets") fields.range = this.#readRange(name)
      else {
        this.#add("field-unknown", "an unknown field", index, name)
        this.#reader.skipValue()
      }
    })
    for (const field of ["dtype", "shape", "data_offsets"]) {
      if (!seen.has(field)) this.#add("field-missing", `${field} is missing`, nameIndex, name)
    }
    return fields
  }

  /** Checks what was read, and keeps the tensor when nothing of it is missing. */
  #keep(name: string, nameIndex: number, fields: EntryFields): void {
    const fault = checkEntry(fields)
    if (fault !== undefined) this.#add(fault.rule, fault.problem, nameIndex, name)
    const { dtype, shape, range } = fields
    if (range === undefined || range[1] < range[0]) {
      this.#allPlaced = false
      return
    }
    const [start, end] = range
    this.#placements.push({ name, start, end })
    if (dtype === undefined || shape === undefined) return
    this.#tensors.set(name, { dtype: dtype.dtype, shape, start, end })
  }

  #readDtype(tensor: string): DtypeFacts | undefined {
    const kind = this.#reader.kind()
    const index = this.#reader.index
    if (kind !== "string") {
      this.#add("dtype-type", `the dtype is not a string but ${KINDS_SAID[kind]}`, index, tensor)
      this.#reader.skipValue()
      return undefined
    }
    const dtype = this.#reader.readString()
    const facts = SAFETENSORS_DTYPES.get(dtype)
    if (facts === undefined)
      this.#add("dtype-unknown", `no dtype is called ${quoteText(dtype)}`, index, tensor)
    return facts
  }

  #readShape(tensor: string): number[] | undefined {
    const index = this.#reader.index
    const { maxRank } = this.#limits
    const read = this.#readIntegers(tensor, "shape", SHAPE_RULES, maxRank)
    if (read === undefined) return undefined
    if (read.count <= maxRank) return read.integers
    this.#add(
      "shape-rank",
      `the shape has ${read.count} dimensions, above the limit of ${maxRank}`,
      index,
      tensor,
    )
    return undefined
  }

  #readRange(tensor: string): readonly [number, number] | undefined {
    const index = this.#reader.index
    const read = this.#readIntegers(tensor, "data_offsets", OFFSETS_RULES, 2)
    if (read === undefined) return undefined
    const [start, end] = read.integers
    if (start !== undefined && end !== undefined && read.count === 2) return [start, end]
    this.#add("offsets-type", `data_offsets has ${read.count} values, not 2`, index, tensor)
    return undefined
  }

  /**
   * An array of integers from 0 to 2^53 - 1, of which no more than `kept` are kept; undefined, with a finding for each
   * wrong item, when it is not that.
   */
  #readIntegers(
    tensor: string,
    field: string,
    rules: IntegerRules,
    kept: number,
  ): { integers: number[]; count: number } | undefined {
    const kind = this.#reader.kind()
    if (kind !== "array") {
      this.#add(rules.type, `${field} is not an array but ${KINDS_SAID[kind]}`, this.#reader.index, tensor)
      this.#reader.skipValue()
      return undefined
    }
    const integers: number[] = []
    let count = 0
    let allGood = true
    this.#reader.readArray(() => {
      const value = this.#readInteger(tensor, field, rules)
      if (value === undefined) allGood = false
      else if (count < kept) integers.push(value)
      count++
    })
    return allGood ? { integers, count } : undefined
  }

  #readInteger(tensor: string, field: string, rules: IntegerRules): number | undefined {
    const kind = this.#reader.kind()
    const index = this.#reader.index
    if (kind !== "number") this.#reader.skipValue()
    const value = kind === "number" ? this.#reader.readInteger() : undefined
    if (typeof value === "number" && value >= 0) return value
    if (typeof value === "bigint" && value > 0n && value <= MAX_UINT64) {
      this.#add(rules.range, `${field} holds ${value}, which is above 2^53 - 1`, index, tensor)
    } else {
      this.#add(rules.type, `${field} holds what is not an integer from 0 up`, index, tensor)
    }
    return undefined
  }

  #add(rule: HeaderRule, problem: string, index: number, tensor?: string): void {
    const at = this.#reader.fileOffset(index)
    this.#report.add(rule, problem, tensor === undefined ? { at } : { tensor, at })
  }
}
