/** Every tensor of a checkpoint, column by column: 200,000 of them cross from the worker in one cheap message. */

/** What becomes of a tensor when nothing is chosen. */
export const STATUS = { written: 0, outsideRoot: 1, alias: 2, unsupported: 3, undecided: 4 } as const

/** Rows have the same place in every column. */
export interface TensorColumns {
  /** Dotted, from the top of the checkpoint. */
  readonly names: readonly string[]
  /** As `[64, 3, 7, 7]`; empty for a tensor that cannot be converted. */
  readonly shapes: readonly string[]
  /** Index in `dtypeNames`. */
  readonly dtypes: Uint8Array
  /** As safetensors calls them, or torch where safetensors has no name. */
  readonly dtypeNames: readonly string[]
  readonly byteLengths: Float64Array
  readonly elementCounts: Float64Array
  /** One of `STATUS`. */
  readonly statuses: Uint8Array
}

/** Bytes that a tensor takes in the whole: those of an alias are counted with the name that is kept. */
export function ownBytes({ statuses, byteLengths }: TensorColumns, row: number): number {
  return statuses[row] === STATUS.alias ? 0 : (byteLengths[row] ?? 0)
}

/** Elements of all tensors, aliases once. */
export function parameterCount({ statuses, elementCounts }: TensorColumns): number {
  return elementCounts.reduce((sum, count, row) => (statuses[row] === STATUS.alias ? sum : sum + count), 0)
}

/** Bytes and tensors of one dtype. */
export interface DtypeTotal {
  readonly dtype: string
  readonly tensorCount: number
  readonly byteLength: number
}

/** The dtypes, most bytes first. */
export function dtypeTotals(columns: TensorColumns): readonly DtypeTotal[] {
  const totals = columns.dtypeNames.map((dtype) => ({ dtype, tensorCount: 0, byteLength: 0 }))
  for (let row = 0; row < columns.dtypes.length; row++) {
    const total = totals[columns.dtypes[row] ?? 0]
    if (total === undefined) continue
    total.tensorCount += 1
    total.byteLength += ownBytes(columns, row)
  }
  return totals.sort((a, b) => b.byteLength - a.byteLength)
}

/** Colour families of dtypes, which the style sheet knows. */
export type DtypeFamily = "f64" | "f32" | "f16" | "bf16" | "f8" | "integer" | "bool" | "complex" | "other"

/** The colour family of a dtype, by either of its names. */
export function familyOf(dtype: string): DtypeFamily {
  if (/^(F64|F32|F16|BF16)$/.test(dtype)) return dtype.toLowerCase() as DtypeFamily
  if (/^F[468]/.test(dtype)) return "f8"
  if (/^[IU]\d/.test(dtype)) return "integer"
  if (dtype === "BOOL") return "bool"
  return /^(C64|complex)/.test(dtype) ? "complex" : "other"
}
