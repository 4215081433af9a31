/**
 * Reads the object that a header is: metadata, and one entry a tensor.
 *
 * A wrong value is a finding and reading goes on after it, so that one pass finds everything. Only text that is not
 * JSON ends it. The grammar is that of `HashMetadata` and `TensorInfo` in safetensors/src/tensor.rs.
 */

import { afterRest, type Rest, type Steps } from "../bytes/turns.ts"
import type { Limits } from "../limits/limits.ts"
import { checkEntry, type EntryFields, type Placement } from "./check-header.ts"
import type { SafetensorsDtype } from "./dtypes.ts"
import { EntryFieldReader } from "./entry-fields.ts"
import { METADATA_KEY } from "./header-format.ts"
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

/** Reads one header. */
export class HeaderEntryReader {
  readonly #reader: JsonReader
  readonly #fieldReader: EntryFieldReader
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
    this.#fieldReader = new EntryFieldReader(reader, limits.maxRank, (index) => this.#countEntry(index))
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

  #readFields(name: string, nameIndex: number, fields: EntryFields): Rest {
    const problem = "the tensor is not described by an object"
    if (!this.#reader.isNext("object", "entry-type", problem, name, nameIndex))
      return this.#reader.skipValue()
    return this.#fieldReader.read(name, nameIndex, fields)
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
