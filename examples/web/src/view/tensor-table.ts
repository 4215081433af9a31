/** All tensors in a table that can be searched and sorted. Only the rows in sight are elements. */

import { button, element, fill, nextId } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayCount } from "../model/quantities.ts"
import { rowWindow, type Scrolling, scrollTopFor } from "../model/row-window.ts"
import type { SortColumn } from "../model/table-order.ts"
import { TableOrder } from "../model/table-order.ts"
import type { TensorColumns } from "../model/tensor-columns.ts"
import { familyOf, STATUS } from "../model/tensor-columns.ts"
import { visibleName } from "../model/visible-text.ts"

/** Where rows take two lines, and how high they and the head are. As the style sheet has it. */
const NARROW = matchMedia("(max-width: 720px)")
const ROW_HEIGHT = 36
const NARROW_ROW_HEIGHT = 60
const HEAD_HEIGHT = 36

/** After the last key, before a search begins. Milliseconds. */
const SEARCH_DELAY = 120

const HEADS: readonly (readonly [column: SortColumn, title: string])[] = [
  ["name", "Tensor"],
  ["dtype", "Dtype"],
  ["shape", "Shape"],
  ["size", "Size"],
]

const REMARKS: ReadonlyMap<number, string> = new Map([
  [STATUS.outsideRoot, "left out"],
  [STATUS.alias, "alias"],
  [STATUS.unsupported, "cannot be saved"],
])

export class TensorTable {
  readonly root: HTMLElement
  readonly #columns: TensorColumns
  readonly #inspect: (row: number) => void
  readonly #order: TableOrder
  readonly #id = nextId()
  readonly #heads: readonly HTMLElement[]
  readonly #grid: HTMLElement
  readonly #space = element("div", { class: "rows-space", role: "rowgroup" })
  readonly #count = element("p", { class: "muted", "aria-live": "polite" })
  readonly #search: HTMLInputElement
  #rows: Uint32Array = new Uint32Array(0)
  #sort: SortColumn = "file"
  #descending = false
  /** Index in `#rows` of the row that keys move. */
  #active = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(columns: TensorColumns, inspect: (row: number) => void) {
    this.#columns = columns
    this.#inspect = inspect
    this.#order = new TableOrder(columns)
    const searchId = `search-${this.#id}`
    this.#search = element("input", {
      id: searchId,
      type: "search",
      placeholder: "layers.0 weight bf16",
      autocomplete: "off",
      spellcheck: "false",
    })
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#query(), SEARCH_DELAY)
    })
    this.#heads = HEADS.map(([column, title], index) => this.#headOf(column, title, index))
    const head = element("div", { class: "row head", role: "row", "aria-rowindex": 1 }, ...this.#heads)
    this.#grid = element(
      "div",
      {
        class: "grid",
        role: "grid",
        tabindex: 0,
        "aria-label": "Tensors",
        "aria-colcount": HEADS.length,
        "aria-description": "Arrow keys move, Enter shows a tensor.",
      },
      element("div", { class: "rows-head", role: "rowgroup" }, head),
      this.#space,
    )
    this.#grid.addEventListener("scroll", () => this.#draw(), { passive: true })
    this.#grid.addEventListener("keydown", (event) => this.#press(event))
    this.#space.addEventListener("click", (event) => this.#click(event))
    const searching = element(
      "div",
      { class: "search" },
      element("label", { for: searchId }, "Search"),
      this.#search,
    )
    const title = element(
      "div",
      { class: "section-head" },
      element("h2", {}, "Tensors"),
      searching,
      this.#count,
    )
    this.root = element("section", { class: "tensors", "aria-label": "All tensors" }, title, this.#grid)
    new ResizeObserver(() => this.#draw()).observe(this.#grid)
    this.#query()
  }

  #headOf(column: SortColumn, title: string, index: number): HTMLElement {
    const sorting = button(title, () => this.#sortBy(column), { class: "sort" })
    return element(
      "div",
      { role: "columnheader", class: `cell ${column}`, "aria-colindex": index + 1, "aria-sort": "none" },
      sorting,
    )
  }

  /** Up, down, and as the file has them. */
  #sortBy(column: SortColumn): void {
    if (this.#sort !== column) {
      this.#sort = column
      this.#descending = column === "size"
    } else if (this.#descending === (column === "size")) this.#descending = !this.#descending
    else {
      this.#sort = "file"
      this.#descending = false
    }
    for (const [index, [each]] of HEADS.entries()) {
      const sorted = each !== this.#sort ? "none" : this.#descending ? "descending" : "ascending"
      this.#heads[index]?.setAttribute("aria-sort", sorted)
    }
    this.#query()
    const [, title = ""] = HEADS.find(([each]) => each === this.#sort) ?? []
    const direction = this.#descending ? "descending" : "ascending"
    announce(this.#sort === "file" ? "Tensors as the file has them." : `Sorted by ${title}, ${direction}.`)
  }

  #query(): void {
    const search = this.#search.value
    this.#rows = this.#order.rows({ search, sort: this.#sort, descending: this.#descending })
    this.#active = 0
    this.#grid.scrollTop = 0
    this.#grid.setAttribute("aria-rowcount", String(this.#rows.length + 1))
    const total = this.#columns.names.length
    const found = this.#rows.length
    fill(this.#count, found === total ? sayCount(total) : `${sayCount(found)} of ${sayCount(total)}`)
    this.#draw()
  }

  #scrolling(): Scrolling {
    const viewHeight = Math.max(0, this.#grid.clientHeight - HEAD_HEIGHT)
    const rowHeight = NARROW.matches ? NARROW_ROW_HEIGHT : ROW_HEIGHT
    return { rowCount: this.#rows.length, rowHeight, viewHeight, scrollTop: this.#grid.scrollTop }
  }

  #draw(): void {
    const scrolling = this.#scrolling()
    const { rowHeight } = scrolling
    const { first, end, top, totalHeight } = rowWindow(scrolling)
    const allRows = Math.max(3, this.#columns.names.length) * rowHeight
    this.#grid.style.setProperty("--all-rows", `${allRows + HEAD_HEIGHT + 2}px`)
    this.#space.style.height = `${totalHeight}px`
    const drawn: HTMLElement[] = []
    for (let index = first; index < end; index++)
      drawn.push(this.#rowOf(index, top + (index - first) * rowHeight))
    fill(this.#space, ...drawn)
    const isDrawn = this.#active >= first && this.#active < end
    if (isDrawn) this.#grid.setAttribute("aria-activedescendant", this.#rowId(this.#active))
    else this.#grid.removeAttribute("aria-activedescendant")
    if (this.#rows.length === 0)
      fill(this.#space, element("p", { class: "nothing" }, "No tensor is called that."))
  }

  #rowId(index: number): string {
    return `row-${this.#id}-${index}`
  }

  #rowOf(index: number, top: number): HTMLElement {
    const { names, dtypes, dtypeNames, shapes, byteLengths, statuses } = this.#columns
    const row = this.#rows[index] ?? 0
    const dtype = dtypeNames[dtypes[row] ?? 0] ?? ""
    const remark = REMARKS.get(statuses[row] ?? 0)
    const name = names[row] ?? ""
    const tail = name.slice(tailStart(name))
    const said = element(
      "span",
      { class: "name-text", title: visibleName(name) },
      element("span", { class: "name-head" }, visibleName(name.slice(0, name.length - tail.length))),
      element("span", { class: "name-tail" }, name === "" ? '""' : visibleName(tail)),
    )
    const made = element(
      "div",
      {
        id: this.#rowId(index),
        class: index === this.#active ? "row active" : "row",
        role: "row",
        "aria-rowindex": index + 2,
        "aria-selected": index === this.#active ? "true" : "false",
        "data-index": index,
      },
      cell("name", 1, said, remark === undefined ? undefined : element("span", { class: "remark" }, remark)),
      cell(
        "dtype",
        2,
        element("span", { class: `swatch tile-${familyOf(dtype)}`, "aria-hidden": "true" }),
        dtype,
      ),
      cell("shape", 3, shapes[row] ?? ""),
      cell("size", 4, sayBytes(byteLengths[row] ?? 0)),
    )
    made.style.top = `${top}px`
    return made
  }

  #press(event: KeyboardEvent): void {
    if (event.target !== this.#grid) return
    const { viewHeight, rowHeight } = this.#scrolling()
    const page = Math.max(1, Math.floor(viewHeight / rowHeight) - 1)
    const steps = new Map([
      ["ArrowDown", this.#active + 1],
      ["ArrowUp", this.#active - 1],
      ["PageDown", this.#active + page],
      ["PageUp", this.#active - page],
      ["Home", 0],
      ["End", this.#rows.length - 1],
    ])
    const next = steps.get(event.key)
    if (next === undefined && event.key !== "Enter" && event.key !== " ") return
    event.preventDefault()
    if (next === undefined) this.#open(this.#active)
    else this.#move(next)
  }

  #move(index: number): void {
    this.#active = Math.max(0, Math.min(index, this.#rows.length - 1))
    this.#grid.scrollTop = scrollTopFor(this.#active, this.#scrolling())
    this.#draw()
  }

  #click({ target }: MouseEvent): void {
    const row = target instanceof Element ? target.closest<HTMLElement>(".row") : null
    if (row === null || row.dataset["index"] === undefined) return
    this.#active = Number(row.dataset["index"])
    this.#draw()
    this.#open(this.#active)
  }

  #open(index: number): void {
    const row = this.#rows[index]
    if (row !== undefined) this.#inspect(row)
  }
}

/** Names differ at their ends: where there is no room, the last two parts stay. */
function tailStart(name: string): number {
  const last = name.lastIndexOf(".")
  return last <= 0 ? 0 : name.lastIndexOf(".", last - 1) + 1
}

function cell(
  column: SortColumn,
  index: number,
  ...children: readonly (Node | string | undefined)[]
): HTMLElement {
  return element("div", { class: `cell ${column}`, role: "gridcell", "aria-colindex": index }, ...children)
}
