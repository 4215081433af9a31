import { expect, it } from "vitest"
import type { SortColumn } from "../../examples/web/src/model/table-order.ts"
import { TableOrder } from "../../examples/web/src/model/table-order.ts"
import { columnsOf } from "./columns.ts"

const ORDER = new TableOrder(
  columnsOf([
    { name: "layers.10.weight", dtype: "F16", shape: "[4, 4]", byteLength: 32, elementCount: 16 },
    { name: "layers.2.weight", dtype: "F32", shape: "[2]", byteLength: 8, elementCount: 2 },
    { name: "Layers.2.bias", dtype: "F32", shape: "[8]", byteLength: 32, elementCount: 8 },
    { name: "norm", dtype: "BF16", shape: "[4]", byteLength: 8, elementCount: 4 },
  ]),
)

const rows = (search: string, sort: SortColumn = "file", descending = false): readonly number[] => [
  ...ORDER.rows({ search, sort, descending }),
]

it("finds all words, in any case, in names, dtypes and shapes", () => {
  expect(rows("")).toEqual([0, 1, 2, 3])
  expect(rows("LAYERS 2")).toEqual([1, 2])
  expect(rows("bf16")).toEqual([3])
  expect(rows("layers [8]")).toEqual([2])
  expect(rows(" weight   f16 ")).toEqual([0])
  expect(rows(".*")).toEqual([])
})

it("sorts by each column, numbers in names as numbers", () => {
  expect(rows("", "name")).toEqual([2, 1, 0, 3])
  expect(rows("", "name", true)).toEqual([3, 0, 1, 2])
  expect(rows("", "dtype")).toEqual([3, 0, 1, 2])
  expect(rows("", "shape", true)).toEqual([0, 2, 3, 1])
  expect(rows("", "file", true)).toEqual([3, 2, 1, 0])
})

it("keeps the order of the file where rows are equal, both ways", () => {
  expect(rows("", "size")).toEqual([1, 3, 0, 2])
  expect(rows("", "size", true)).toEqual([0, 2, 1, 3])
})

it("sorts what was found", () => {
  expect(rows("layers", "size", true)).toEqual([0, 2, 1])
})
