/**
 * Checks that need more than one value of a header: a tensor's range against its dtype and shape, and the ranges of
 * all tensors against the tensor data, which they must tile. `header-rules.ts` lists every rule with its source.
 */

import type { DtypeFacts } from "./dtypes.ts"
import type { HeaderReport } from "./header-report.ts"
import type { HeaderRule } from "./header-rules.ts"
import { tensorByteLength } from "./tensor-size.ts"

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
export interface DataLayout {
  readonly placements: readonly Placement[]
  /** False when some tensor has no usable range, so that holes mean nothing. */
  readonly allPlaced: boolean
  /** File offset at which the tensor data begins. */
  readonly dataOffset: number
  /** Bytes from there to the end of the file; undefined when unknown. */
  readonly dataByteLength: number | undefined
}

/** What is wrong between the fields of one tensor. */
export function checkEntry(fields: EntryFields): { rule: HeaderRule; problem: string } | undefined {
  const { dtype, shape, range } = fields
  const reversed = range !== undefined && range[1] < range[0]
  if (reversed)
    return { rule: "offsets-reversed", problem: `data_offsets end at ${range[1]}, before ${range[0]}` }
  if (dtype === undefined || shape === undefined) return undefined
  const said = `${dtype.dtype} [${shape.join(", ")}]`
  const size = tensorByteLength(dtype.bitsPerElement, shape)
  if (size === "shape-overflow")
    return { rule: size, problem: `the dimensions of ${said} multiply to more than 2^64 - 1 bits` }
  if (size === "size-misaligned") return { rule: size, problem: `${said} does not fill whole bytes` }
  if (range === undefined || range[1] - range[0] === size) return undefined
  return { rule: "size-mismatch", problem: `${range[1] - range[0]} bytes for ${said}, which takes ${size}` }
}

/**
 * Finds holes, overlaps and data that is missing or left over. As in `Metadata::validate`, ranges are taken by start
 * and then by end, the first begins at 0 and each where the one before it ends; empty tensors may share an offset.
 */
export function checkLayout(layout: DataLayout, report: HeaderReport): void {
  const { dataOffset, dataByteLength, allPlaced } = layout
  let covered = 0
  const sorted = [...layout.placements].sort((a, b) => a.start - b.start || a.end - b.end)
  for (const [place, { name, start, end }] of sorted.entries()) {
    const at = { tensor: name, at: dataOffset + Math.min(start, covered) }
    if (start < covered) {
      report.add("data-overlap", `the data begins at ${start}, inside the data of another tensor`, at)
    } else if (start > covered && allPlaced) {
      const rule = place === 0 ? "data-start" : "data-hole"
      report.add(
        rule,
        `no tensor has the ${start - covered} bytes before the data, which begins at ${start}`,
        at,
      )
    }
    covered = Math.max(covered, end)
  }
  if (dataByteLength === undefined) return
  if (covered > dataByteLength) {
    const problem = `the tensors need ${covered} bytes of data, the file has ${dataByteLength}`
    report.add("data-truncated", problem, { at: dataOffset + dataByteLength })
  } else if (covered < dataByteLength && allPlaced) {
    const problem = `${dataByteLength - covered} bytes follow the data of the last tensor`
    report.add("data-trailing", problem, { at: dataOffset + covered })
  }
}
