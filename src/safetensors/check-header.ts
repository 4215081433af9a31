/**
 * Checks that need more than one value of a header: a tensor's range against its dtype and shape, and the ranges of
 * all tensors against the tensor data, which they must tile. `header-rules.ts` lists every rule with its source.
 */

import { sortedSteps } from "../bytes/sorted.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { type DtypeFacts, tensorByteLength } from "./dtypes.ts"
import type { HeaderReport, HeaderRule } from "./header-rules.ts"

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

/** A rule that an entry breaks. */
export interface EntryFault {
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
