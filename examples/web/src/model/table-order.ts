/** Which rows of the table are shown, and in which order. */

import type { TensorColumns } from "./tensor-columns.ts"

export type SortColumn = "file" | "name" | "dtype" | "shape" | "size"

export interface TableQuery {
  /** Words that must all be found in a row's name, dtype or shape, in any case. */
  readonly search: string
  /** `file` is the order of the checkpoint. */
  readonly sort: SortColumn
  readonly descending: boolean
}

/** Answers queries about one checkpoint, and keeps what it has worked out. */
export class TableOrder {
  readonly #columns: TensorColumns
  #searched: readonly string[] | undefined
  #nameKeys: readonly string[] | undefined

  constructor(columns: TensorColumns) {
    this.#columns = columns
  }

  /** Rows in the order to show them. */
  rows(query: TableQuery): Uint32Array {
    const found = this.#search(query.search)
    if (query.sort === "file") return query.descending ? found.reverse() : found
    const compare = this.#comparison(query.sort)
    // Rows that are equal stay in the order of the file, whichever way the others go.
    const sign = query.descending ? -1 : 1
    return found.sort((a, b) => sign * compare(a, b) || a - b)
  }

  #search(search: string): Uint32Array {
    const { names } = this.#columns
    const words = search.toLowerCase().split(/\s+/).filter(Boolean)
    if (words.length === 0) return Uint32Array.from(names.keys())
    this.#searched ??= names.map((name, row) => this.#textOf(name, row).toLowerCase())
    const found: number[] = []
    for (const [row, text] of this.#searched.entries()) {
      if (words.every((word) => text.includes(word))) found.push(row)
    }
    return Uint32Array.from(found)
  }

  #textOf(name: string, row: number): string {
    const { dtypes, dtypeNames, shapes } = this.#columns
    return `${name} ${dtypeNames[dtypes[row] ?? 0] ?? ""} ${shapes[row] ?? ""}`
  }

  #comparison(sort: Exclude<SortColumn, "file">): (a: number, b: number) => number {
    const { names, dtypes, dtypeNames, byteLengths, elementCounts } = this.#columns
    if (sort === "size") return by(byteLengths)
    if (sort === "shape") return by(elementCounts)
    if (sort === "dtype") {
      const ranks = rankOf(dtypeNames)
      return (a, b) => (ranks[dtypes[a] ?? 0] ?? 0) - (ranks[dtypes[b] ?? 0] ?? 0)
    }
    this.#nameKeys ??= names.map(nameKey)
    const keys = this.#nameKeys
    return (a, b) => compareText(keys[a] ?? "", keys[b] ?? "")
  }
}

function by(values: Float64Array): (a: number, b: number) => number {
  return (a, b) => (values[a] ?? 0) - (values[b] ?? 0)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function rankOf(texts: readonly string[]): readonly number[] {
  const sorted = [...texts].sort(compareText)
  return texts.map((text) => sorted.indexOf(text))
}

/** Numbers in names count as numbers: `layers.2` comes before `layers.10`. A collator would take seconds. */
function nameKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(12, "0"))
}
