/** Reads what a header says about one tensor: `TensorInfo` in safetensors/src/tensor.rs. */

import { quoteText } from "../quote-text.ts"
import type { EntryFields } from "./check-header.ts"
import { type DtypeFacts, SAFETENSORS_DTYPES } from "./dtypes.ts"
import type { HeaderReport } from "./header-report.ts"
import type { HeaderRule } from "./header-rules.ts"
import { type JsonReader, KINDS_SAID } from "./json-reader.ts"

/** The fields of an entry, each of which must be there once. */
const FIELDS = ["dtype", "shape", "data_offsets"]
/** A bit for each field. */
const ALL_FIELDS = 0b111

/** Findings for items that are no integers, and for integers that are too large. */
interface IntegerRules {
  readonly type: HeaderRule
  readonly range: HeaderRule
}

const SHAPE_RULES: IntegerRules = { type: "shape-type", range: "shape-range" }
const OFFSETS_RULES: IntegerRules = { type: "offsets-type", range: "offsets-range" }

/** Above this serde_json makes a double of an integer. */
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

/** Reads entries. A wrong value is a finding, and the field is left undefined. */
export class EntryFieldReader {
  readonly #reader: JsonReader
  readonly #report: HeaderReport
  readonly #maxRank: number
  readonly #onUnknown: (index: number) => void

  /** `onUnknown` is told where each unknown field is named, and stops the reading by throwing. */
  constructor(reader: JsonReader, report: HeaderReport, maxRank: number, onUnknown: (index: number) => void) {
    this.#reader = reader
    this.#report = report
    this.#maxRank = maxRank
    this.#onUnknown = onUnknown
  }

  /** Reads the object that comes next, which describes `tensor`, named at `nameIndex`. */
  read(tensor: string, nameIndex: number): EntryFields {
    const fields: EntryFields = { dtype: undefined, shape: undefined, range: undefined }
    let seen = 0
    let unknown: Set<string> | undefined
    this.#reader.readObject((field, index) => {
      const place = FIELDS.indexOf(field)
      if (place === -1) {
        unknown ??= new Set()
        this.#skipUnknown(unknown, field, index, tensor)
        return
      }
      if ((seen & (1 << place)) !== 0) this.#add("field-duplicate", `${field} comes twice`, index, tensor)
      seen |= 1 << place
      if (place === 0) fields.dtype = this.#readDtype(tensor)
      else if (place === 1) fields.shape = this.#readShape(tensor)
      else fields.range = this.#readRange(tensor)
    })
    if (seen !== ALL_FIELDS) this.#reportMissing(seen, nameIndex, tensor)
    return fields
  }

  #reportMissing(seen: number, nameIndex: number, tensor: string): void {
    for (const [place, field] of FIELDS.entries()) {
      if ((seen & (1 << place)) === 0) this.#add("field-missing", `${field} is missing`, nameIndex, tensor)
    }
  }

  #skipUnknown(unknown: Set<string>, field: string, index: number, tensor: string): void {
    const rule = unknown.has(field) ? "field-duplicate" : "field-unknown"
    this.#onUnknown(index)
    this.#add(rule, `${quoteText(field)} is not a field of the format`, index, tensor)
    unknown.add(field)
    this.#reader.skipValue()
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
    if (facts !== undefined) return facts
    this.#add("dtype-unknown", `no dtype is called ${quoteText(dtype)}`, index, tensor)
    return undefined
  }

  #readShape(tensor: string): number[] | undefined {
    const index = this.#reader.index
    const read = this.#readIntegers(tensor, "shape", SHAPE_RULES, this.#maxRank)
    if (read === undefined) return undefined
    if (read.count <= this.#maxRank) return read.integers
    const problem = `the shape has ${read.count} dimensions, above the limit of ${this.#maxRank}`
    this.#add("shape-rank", problem, index, tensor)
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

  #add(rule: HeaderRule, problem: string, index: number, tensor: string): void {
    this.#report.add(rule, problem, { tensor, at: this.#reader.fileOffset(index) })
  }
}
