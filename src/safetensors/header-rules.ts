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

const ROWS = [
  // rule, severity, refuses more than the reference does, source
  ["file-too-short", "error", false, "HeaderTooSmall"],
  ["header-too-large", "error", true, "HeaderTooLarge; maxHeaderBytes"],
  ["header-past-end", "error", false, "InvalidHeaderLength"],
  ["header-utf8", "error", false, "InvalidHeader"],
  ["header-start", "error", true, "README, Format: the header data MUST begin with a { character"],
  ["header-padding", "error", true, "README, Format: the header MAY be trailing padded with 0x20"],
  ["json-syntax", "error", false, "serde_json"],
  ["json-nesting", "error", true, "serde_json stops at 128; maxHeaderNesting"],
  ["too-many-entries", "error", true, "maxTensors"],
  ["name-duplicate", "error", true, "README, Notes: duplicate keys are disallowed"],
  ["name-nul", "warning", false, "readers in C end a name at NUL; our writer refuses it"],
  ["metadata-duplicate", "error", false, "HashMetadata"],
  ["metadata-type", "error", false, "HashMetadata"],
  ["metadata-null", "warning", false, "README, Format: __metadata__ is a string-to-string map"],
  ["metadata-key-duplicate", "error", true, "README, Notes: duplicate keys are disallowed"],
  ["metadata-value-type", "error", false, "README, Format: all values must be strings"],
  ["entry-type", "error", true, "TensorInfo"],
  ["field-duplicate", "error", true, "TensorInfo; README, Notes: duplicate keys are disallowed"],
  ["field-missing", "error", false, "TensorInfo"],
  ["field-unknown", "warning", false, "TensorInfo passes over it"],
  ["dtype-type", "error", true, "Dtype"],
  ["dtype-unknown", "error", false, "Dtype"],
  ["shape-type", "error", false, "TensorInfo"],
  ["shape-rank", "error", true, "maxRank"],
  ["shape-range", "error", true, "2^53 - 1, the largest exact JavaScript integer"],
  ["shape-overflow", "error", false, "ValidationOverflow"],
  ["offsets-type", "error", false, "TensorInfo"],
  ["offsets-range", "error", false, "MetadataIncompleteBuffer: no file is that long"],
  ["offsets-reversed", "error", false, "InvalidOffset"],
  ["size-misaligned", "error", false, "MisalignedSlice"],
  ["size-mismatch", "error", false, "TensorInvalidInfo"],
  ["data-start", "error", false, "InvalidOffset"],
  ["data-hole", "error", false, "InvalidOffset"],
  ["data-overlap", "error", false, "InvalidOffset"],
  ["data-truncated", "error", false, "MetadataIncompleteBuffer"],
  ["data-trailing", "error", false, "MetadataIncompleteBuffer"],
  ["findings-cut", "warning", false, "see HeaderReport"],
] as const

/** The stable name of a rule. */
export type HeaderRule = (typeof ROWS)[number][0]

/** What is known about a rule. */
export interface RuleFacts {
  readonly rule: HeaderRule
  readonly severity: "error" | "warning"
  /** True when the rule refuses something that the reference accepts; the table above says what. */
  readonly stricter: boolean
  /** The reference's error or type, the README's words, or the limit. */
  readonly source: string
}

/** Every rule by its name, in the order in which a header is read. */
export const HEADER_RULES: ReadonlyMap<string, RuleFacts> = new Map(
  ROWS.map(([rule, severity, stricter, source]) => [rule, { rule, severity, stricter, source }]),
)
