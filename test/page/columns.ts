/** Columns of a table from a few lines. */

import type { TensorColumns } from "../../examples/web/src/model/tensor-columns.ts"
import { STATUS } from "../../examples/web/src/model/tensor-columns.ts"

interface Row {
  readonly name: string
  readonly dtype?: string
  readonly shape?: string
  readonly byteLength?: number
  readonly elementCount?: number
  readonly status?: keyof typeof STATUS
}

/** Columns of `rows`; what a row does not say is F32, `[]`, 4 bytes, 1 element, written. */
export function columnsOf(rows: readonly Row[]): TensorColumns {
  const dtypeNames = [...new Set(rows.map(({ dtype = "F32" }) => dtype))]
  return {
    names: rows.map(({ name }) => name),
    shapes: rows.map(({ shape = "[]" }) => shape),
    dtypes: Uint8Array.from(rows, ({ dtype = "F32" }) => dtypeNames.indexOf(dtype)),
    dtypeNames,
    byteLengths: Float64Array.from(rows, ({ byteLength = 4 }) => byteLength),
    elementCounts: Float64Array.from(rows, ({ elementCount = 1 }) => elementCount),
    statuses: Uint8Array.from(rows, ({ status = "written" }) => STATUS[status]),
  }
}
