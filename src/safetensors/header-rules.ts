/**
 * The rules that a safetensors file is held to: what the reference reader checks (safetensors 0.8.0, `read_metadata`
 * and `Metadata::validate` in safetensors/src/tensor.rs), and what its README writes down but the reader lets pass.
 *
 * We refuse more than the reference in these cases, each under the rule of the row:
 *
 * | rule                     | refused here, accepted there                         | because                                |
 * | ------------------------ | ---------------------------------------------------- | -------------------------------------- |
 * | `header-start`           | white space before the object                        | README: the header MUST begin with `{` |
 * | `header-padding`         | tab, line feed or carriage return after the object   | README: padding is 0x20                |
 * | `name-duplicate`         | a tensor named twice (the last one counts)           | README: duplicate keys are disallowed  |
 * | `metadata-key-duplicate` | a metadata key given twice (the last one counts)     | the same                               |
 * | `field-duplicate`        | an unknown field given twice                         | the same                               |
 * | `entry-type`             | a tensor as `["F32",[2],[0,8]]`                      | README shows an object; serde's doing  |
 * | `dtype-type`             | a dtype as `{"F32":null}`                            | README shows a string; serde's doing   |
 * | `shape-range`            | a dimension from 2^53 to 2^64 - 1, beside a zero     | no JavaScript number holds it          |
 * | `shape-rank`             | more than 64 dimensions                              | `maxRank`; torch stops there           |
 * | `json-nesting`           | 17 to 127 containers in one another, unknown fields  | `maxHeaderNesting`; the format needs 3 |
 * | `too-many-entries`       | 2,000,001 tensors, metadata keys and unknown fields  | `maxTensors`                           |
 * | `header-too-large`       | up to 100,000,000 bytes, if the caller allows less   | `maxHeaderBytes`                       |
 *
 * A caller who raises `maxHeaderBytes` or `maxHeaderNesting` above the reference's own bounds gets what he asks for.
 */

import { sortedSteps } from "../bytes/sorted.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { type DtypeFacts, tensorByteLength } from "./dtypes.ts"
import { type HeaderFinding, SAFETENSORS_INVALID } from "./errors.ts"

/** Rules whose breaking is told and refuses nothing. All others are errors. */
const WARNINGS: ReadonlySet<string> = new Set(["name-nul", "metadata-null", "field-unknown", "findings-cut"])

const ROWS = [
  // rule, refuses more than the reference does, source
  ["file-too-short", false, "HeaderTooSmall"],
  ["header-too-large", true, "HeaderTooLarge; maxHeaderBytes"],
  ["header-past-end", false, "InvalidHeaderLength"],
  ["header-utf8", false, "InvalidHeader"],
  ["header-start", true, "README, Format: the header data MUST begin with a { character"],
  ["header-padding", true, "README, Format: the header MAY be trailing padded with 0x20"],
  ["json-syntax", false, "serde_json"],
  ["json-nesting", true, "serde_json stops at 128; maxHeaderNesting"],
  ["too-many-entries", true, "maxTensors"],
  ["name-duplicate", true, "README, Notes: duplicate keys are disallowed"],
  ["name-nul", false, "readers in C end a name at NUL; our writer refuses it"],
  ["metadata-duplicate", false, "HashMetadata"],
  ["metadata-type", false, "HashMetadata"],
  ["metadata-null", false, "README, Format: __metadata__ is a string-to-string map"],
  ["metadata-key-duplicate", true, "README, Notes: duplicate keys are disallowed"],
  ["metadata-value-type", false, "README, Format: all values must be strings"],
  ["entry-type", true, "TensorInfo"],
  ["field-duplicate", true, "TensorInfo; README, Notes: duplicate keys are disallowed"],
  ["field-missing", false, "TensorInfo"],
  ["field-unknown", false, "TensorInfo passes over it"],
  ["dtype-type", true, "Dtype"],
  ["dtype-unknown", false, "Dtype"],
  ["shape-type", false, "TensorInfo"],
  ["shape-rank", true, "maxRank"],
  ["shape-range", true, "2^53 - 1, the largest exact JavaScript integer"],
  ["shape-overflow", false, "ValidationOverflow"],
  ["offsets-type", false, "TensorInfo"],
  ["offsets-range", false, "MetadataIncompleteBuffer: no file is that long"],
  ["offsets-reversed", false, "InvalidOffset"],
  ["size-misaligned", false, "MisalignedSlice"],
  ["size-mismatch", false, "TensorInvalidInfo"],
  ["data-start", false, "InvalidOffset"],
  ["data-hole", false, "InvalidOffset"],
  ["data-overlap", false, "InvalidOffset"],
  ["data-truncated", false, "MetadataIncompleteBuffer"],
  ["data-trailing", false, "MetadataIncompleteBuffer"],
  ["findings-cut", false, "see HeaderReport"],
] as const

/** The stable name of a rule. */
export type HeaderRule = (typeof ROWS)[number][0]

/** What is known about a rule. */
interface RuleFacts {
  readonly rule: HeaderRule
  readonly severity: "error" | "warning"
  /** True when the rule refuses something that the reference accepts; the table above says what. */
  readonly stricter: boolean
  /** The reference's error or type, the README's words, or the limit. */
  readonly source: string
}

/** Every rule by its name, in the order in which a header is read. For reviewers and tests: reading needs `WARNINGS`. */
export const HEADER_RULES: ReadonlyMap<string, RuleFacts> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ ROWS.map(([rule, stricter, source]) => [
    rule,
    { rule, severity: WARNINGS.has(rule) ? "warning" : "error", stricter, source },
  ]),
)

/** A file is the header's length, an unsigned 64-bit little-endian integer, that many bytes of JSON, and tensor data. */
export const LENGTH_PREFIX_BYTES = 8

/** The one key of a header that names no tensor. */
export const METADATA_KEY = "__metadata__"

/**
 * Findings of one severity that are listed; the rest is counted. A header of 100 MB has room for 20 million broken
 * entries, whose findings would take gigabytes.
 */
const LISTED = 100_000

/** The findings so far. */
export class HeaderReport {
  readonly #listed: HeaderFinding[] = []
  readonly #counts = { error: 0, warning: 0 }

  /** Adds a finding at the byte offset `at` of the file, about `tensor` where it concerns one. */
  add(rule: HeaderRule, problem: string, at: number, tensor?: string): void {
    const severity = WARNINGS.has(rule) ? "warning" : "error"
    if (this.#counts[severity]++ >= LISTED) return
    this.#listed.push({ rule, severity, ...(tensor === undefined ? {} : { tensor }), at, problem })
  }

  /** Adds a finding after which nothing more can be read, and returns what to throw. */
  stop(rule: HeaderRule, problem: string, at: number): Error {
    this.add(rule, problem, at)
    return this.error()
  }

  /** True while there is no error. */
  get valid(): boolean {
    return this.#counts.error === 0
  }

  /** Everything found, in the order of the header; rules about the layout of the data come last. */
  get findings(): readonly HeaderFinding[] {
    const unlisted = this.#counts.error + this.#counts.warning - this.#listed.length
    if (unlisted === 0) return this.#listed
    const problem = `${unlisted} more findings are not listed`
    return [...this.#listed, { rule: "findings-cut", severity: "warning", problem }]
  }

  error(): Error {
    return new CheckpointError(SAFETENSORS_INVALID, { findings: this.findings })
  }
}

// Checks that need more than one value of a header: a tensor's range against its dtype and shape, and the ranges of
// all tensors against the tensor data, which they must tile.

/** The fields of one tensor: undefined when missing or wrong. */
export interface EntryFields {
  dtype: DtypeFacts | undefined
  shape: number[] | undefined
  range: readonly [start: number, end: number] | undefined
}

/** The range `[start, end)` of a tensor in the tensor data. */
export interface Placement {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The tensor data, and how much of its description is usable. */
interface DataLayout {
  readonly placements: readonly Placement[]
  /** False when some tensor has no usable range, so that holes mean nothing. */
  readonly allPlaced: boolean
  /** File offset at which the tensor data begins. */
  readonly dataOffset: number
  /** Bytes from there to the end of the file; undefined when unknown. */
  readonly dataByteLength: number | undefined
}

/** A rule that an entry breaks. */
interface EntryFault {
  readonly rule: HeaderRule
  readonly problem: string
}

/** What is wrong between the fields of one tensor. */
export function checkEntry(fields: EntryFields): EntryFault | undefined {
  const { dtype, shape, range } = fields
  const length = range === undefined ? undefined : range[1] - range[0]
  if (length !== undefined && length < 0) {
    return { rule: "offsets-reversed", problem: `data_offsets end ${-length} bytes before they begin` }
  }
  if (dtype === undefined || shape === undefined) return undefined
  const size = tensorByteLength(dtype.bitsPerElement, shape)
  if (size === length || (length === undefined && typeof size === "number")) return undefined
  const said = `${dtype.dtype} [${shape.join(", ")}]`
  if (size === "size-misaligned") return { rule: size, problem: `${said} does not fill whole bytes` }
  if (size === "shape-overflow") return { rule: size, problem: `${said} has more than 2^64 - 1 bits` }
  return { rule: "size-mismatch", problem: `${length} bytes for ${said}, which takes ${size}` }
}

/**
 * Finds holes, overlaps and data that is missing or left over. As in `Metadata::validate`, ranges are taken by start
 * and then by end, the first begins at 0 and each where the one before it ends; empty tensors may share an offset.
 */
export function* checkLayout(layout: DataLayout, report: HeaderReport): Steps<void> {
  const { dataOffset, dataByteLength, allPlaced } = layout
  let covered = 0
  const sorted = yield* sortedSteps(layout.placements, (a, b) => a.start - b.start || a.end - b.end)
  let index = -1
  for (const { name, start, end } of sorted) {
    index++
    if (index % STEP_ITEMS === STEP_ITEMS - 1) yield
    if (start < covered) {
      const problem = `the data begins at ${start}, inside the data of another tensor`
      report.add("data-overlap", problem, dataOffset + start, name)
    } else if (start > covered && allPlaced) {
      const problem = `the data begins at ${start}; the ${start - covered} bytes before it belong to no tensor`
      const rule = covered === 0 ? "data-start" : "data-hole"
      report.add(rule, problem, dataOffset + covered, name)
    }
    covered = Math.max(covered, end)
  }
  if (dataByteLength === undefined) return
  if (covered > dataByteLength) {
    const problem = `the tensors need ${covered} bytes of data, the file has ${dataByteLength}`
    report.add("data-truncated", problem, dataOffset + dataByteLength)
  } else if (covered < dataByteLength && allPlaced) {
    const problem = `${dataByteLength - covered} bytes follow the data of the last tensor`
    report.add("data-trailing", problem, dataOffset + covered)
  }
}
