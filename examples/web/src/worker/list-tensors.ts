/** Makes the columns of the table from an open file. */

import type { Checkpoint, ConversionPlan, SafetensorsHeader } from "tosafetensors"
import { sayShape } from "../model/quantities.ts"
import type { TensorColumns } from "../model/tensor-columns.ts"
import { STATUS } from "../model/tensor-columns.ts"

/** Everything the checkpoint holds. `plan` is what a conversion without choices would do; undefined when it cannot. */
export function listTensors({ tensors }: Checkpoint, plan: ConversionPlan | undefined): TensorColumns {
  const dtypes = new DtypeIndex()
  const statusOf = statusesBy(plan)
  const columns = emptyColumns(tensors.size, [...tensors.keys()], dtypes.names)
  const shapes: string[] = []
  let row = 0
  for (const [name, info] of tensors) {
    const isPlain = info.kind === "tensor"
    shapes.push(isPlain ? sayShape(info.shape) : "")
    columns.dtypes[row] = dtypes.of(isPlain ? (info.dtype ?? info.torchDtype) : "unsupported")
    columns.byteLengths[row] = isPlain ? info.byteLength : 0
    columns.elementCounts[row] = isPlain ? info.elementCount : 0
    const isWritable = isPlain && info.dtype !== undefined
    columns.statuses[row] = isWritable ? statusOf(name) : STATUS.unsupported
    row += 1
  }
  return { ...columns, shapes }
}

/** What a plan writes, where the whole checkpoint cannot be listed. */
export function listPlanned({ report: { tensors } }: ConversionPlan): TensorColumns {
  return listRows(tensors)
}

/** What a safetensors file holds, in the order of its header. */
export function listStored(tensors: SafetensorsHeader["tensors"]): TensorColumns {
  return listRows(
    Array.from(tensors, ([name, { dtype, shape, start, end }]) => ({
      name,
      dtype,
      shape,
      byteLength: end - start,
    })),
  )
}

interface Row {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly byteLength: number
}

/** Tensors that are all written, or are already. */
function listRows(rows: readonly Row[]): TensorColumns {
  const dtypes = new DtypeIndex()
  const names = rows.map(({ name }) => name)
  const columns = emptyColumns(rows.length, names, dtypes.names)
  for (const [row, { dtype, shape, byteLength }] of rows.entries()) {
    columns.dtypes[row] = dtypes.of(dtype)
    columns.byteLengths[row] = byteLength
    columns.elementCounts[row] = shape.reduce((product, size) => product * size, 1)
  }
  return { ...columns, shapes: rows.map(({ shape }) => sayShape(shape)) }
}

/** Of a checkpoint of which nothing can be listed. */
export function listNothing(): TensorColumns {
  return { ...emptyColumns(0, [], []), shapes: [] }
}

function emptyColumns(
  rowCount: number,
  names: readonly string[],
  dtypeNames: readonly string[],
): Omit<TensorColumns, "shapes"> {
  return {
    names,
    dtypeNames,
    dtypes: new Uint8Array(rowCount),
    byteLengths: new Float64Array(rowCount),
    elementCounts: new Float64Array(rowCount),
    statuses: new Uint8Array(rowCount),
  }
}

/** Numbers the names of dtypes as they come. */
class DtypeIndex {
  readonly names: string[] = []
  readonly #numbers = new Map<string, number>()

  of(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.names.length)
    return this.names.push(name) - 1
  }
}

function statusesBy(plan: ConversionPlan | undefined): (name: string) => number {
  if (plan === undefined) return () => STATUS.undecided
  const { root, aliases, leftOut } = plan.report
  if (leftOut.outsideRoot === 0 && root.length === 0 && aliases.length === 0) return () => STATUS.written
  const prefix = root.map((key) => `${key}.`).join("")
  const dropped = new Set(aliases.map((alias) => prefix + alias.dropped))
  const written = new Set(plan.report.tensors.map(({ name }) => prefix + name))
  return (name) =>
    written.has(name) ? STATUS.written : dropped.has(name) ? STATUS.alias : STATUS.outsideRoot
}
