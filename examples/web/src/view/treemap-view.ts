/** The weights as a map: the larger a module or a tensor, the larger its piece. A click looks into a module. */

import { button, element, fill } from "../dom.ts"
import { announce } from "../live-status.ts"
import type { ModuleNode } from "../model/module-tree.ts"
import { buildModuleTree, moduleAt, pathTo } from "../model/module-tree.ts"
import { sayBytes, sayCounted, sayShare } from "../model/quantities.ts"
import type { TensorColumns } from "../model/tensor-columns.ts"
import { familyOf } from "../model/tensor-columns.ts"
import { visibleName } from "../model/visible-text.ts"
import type { Tile } from "./treemap-layout.ts"
import { layOut } from "./treemap-layout.ts"

/** A label needs that much room, in CSS pixels. */
const LABEL_WIDTH = 40
const LABEL_HEIGHT = 18
const SECOND_LINE_HEIGHT = 40
const SECOND_LINE_WIDTH = 72

const HINT = "Arrow keys move, Enter looks into a module or a tensor, Escape goes back."

export class TreemapView {
  readonly root: HTMLElement
  readonly #columns: TensorColumns
  readonly #inspect: (row: number) => void
  readonly #top: ModuleNode
  readonly #map: HTMLElement
  readonly #crumbs = element("nav", { class: "crumbs", "aria-label": "Module" })
  #zoomed: ModuleNode
  #tiles: readonly Tile[] = []
  #elements: readonly HTMLElement[] = []
  #width = 0

  /** `path` leads to the module that is looked into first. */
  constructor(columns: TensorColumns, path: readonly string[], inspect: (row: number) => void) {
    this.#columns = columns
    this.#inspect = inspect
    this.#top = buildModuleTree(columns)
    this.#zoomed = moduleAt(this.#top, path) ?? this.#top
    this.#map = element("div", {
      class: "map",
      role: "group",
      "aria-label": "Weights by module",
      "aria-description": HINT,
    })
    this.#map.addEventListener("keydown", (event) => this.#press(event))
    const title = element("div", { class: "section-head" }, element("h2", {}, "Weights"), this.#crumbs)
    this.root = element("section", { class: "weights", "aria-label": "Weights" }, title, this.#map)
    new ResizeObserver(() => this.#resize()).observe(this.#map)
    this.#drawCrumbs()
  }

  #resize(): void {
    if (this.#map.clientWidth === this.#width || this.#map.clientWidth === 0) return
    this.#width = this.#map.clientWidth
    this.#draw()
  }

  #zoom(module: ModuleNode): void {
    const from = this.#zoomed
    this.#zoomed = module
    this.#draw()
    this.#drawCrumbs()
    const back = this.#tiles.findIndex(({ node }) => node.module === from)
    this.#focus(back < 0 ? 0 : back)
    const name = visibleName(pathTo(module).at(-1)?.label ?? "everything")
    announce(`${name}: ${sayCounted(module.tensorCount, "tensor")}, ${sayBytes(module.byteLength)}.`)
  }

  #draw(): void {
    this.#tiles = layOut(this.#zoomed, this.#map.clientWidth, this.#map.clientHeight)
    this.#elements = this.#tiles.map((tile, index) => this.#elementOf(tile, index))
    fill(this.#map, ...this.#elements)
    if (this.#tiles.length === 0)
      fill(this.#map, element("p", { class: "muted" }, "These tensors hold no bytes."))
  }

  #elementOf(tile: Tile, index: number): HTMLElement {
    const { node, x, y, width, height, depth } = tile
    const share = sayShare(node.byteLength, this.#top.byteLength)
    const count = node.row === undefined ? `${sayCounted(node.tensorCount, "tensor")}, ` : ""
    const size = sayBytes(node.byteLength)
    const hasLabel = width >= LABEL_WIDTH && height >= LABEL_HEIGHT
    const label = visibleName(node.label)
    const said = `${label}: ${count}${share}, ${size}`
    const made = button("", () => this.#open(tile), {
      class: `tile ${this.#classOf(tile)}`,
      tabindex: index === 0 ? 0 : -1,
      "aria-label": hasLabel ? undefined : said,
      title: said,
      "data-depth": depth,
    })
    Object.assign(made.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` })
    if (!hasLabel) return made
    const isLarge = height >= SECOND_LINE_HEIGHT && width >= SECOND_LINE_WIDTH && node.children.length === 0
    fill(
      made,
      element("span", { class: "tile-name" }, label),
      element("span", { class: "visually-hidden" }, `: ${count}${share}, `),
      element("span", { class: isLarge ? "tile-size" : "visually-hidden" }, size),
    )
    return made
  }

  #classOf({ node }: Tile): string {
    if (node.row !== undefined) return `tile-${this.#familyOf(node.row)}`
    if (node.children.length > 0) return "module"
    return node.module === undefined ? "rest" : `folded tile-${this.#familyOf(firstRow(node.module))}`
  }

  #familyOf(row: number): string {
    return familyOf(this.#columns.dtypeNames[this.#columns.dtypes[row] ?? 0] ?? "")
  }

  #open({ node }: Tile): void {
    if (node.row !== undefined) this.#inspect(node.row)
    else if (node.module !== undefined && node.module !== this.#zoomed) this.#zoom(node.module)
  }

  #drawCrumbs(): void {
    const path = [this.#top, ...pathTo(this.#zoomed)]
    const entries = path.map((module, index) => {
      const label = index === 0 ? "All" : visibleName(module.label)
      const isHere = index === path.length - 1
      return element(
        "li",
        {},
        isHere
          ? element("span", { "aria-current": "true" }, label)
          : button(label, () => this.#zoom(module), { class: "crumb" }),
      )
    })
    fill(this.#crumbs, element("ol", {}, ...entries))
  }

  #press(event: KeyboardEvent): void {
    const at = this.#elements.indexOf(event.target as HTMLElement)
    const next = this.#target(event.key, at)
    if (next !== undefined) {
      event.preventDefault()
      this.#focus(next)
    } else if (event.key === "Escape" && this.#zoomed.parent !== undefined) {
      event.preventDefault()
      this.#zoom(outOf(this.#zoomed))
    }
  }

  /** The piece that a key leads to; undefined for other keys. */
  #target(key: string, at: number): number | undefined {
    const last = this.#tiles.length - 1
    if (key === "Home") return 0
    if (key === "End") return last
    if (key === "ArrowRight") return Math.min(at + 1, last)
    if (key === "ArrowLeft") return Math.max(at - 1, 0)
    const depth = this.#tiles[at]?.depth ?? 0
    if (key === "ArrowDown") {
      const below = this.#tiles.findIndex((tile, index) => index > at && tile.depth <= depth)
      return below < 0 ? last : below
    }
    if (key !== "ArrowUp") return undefined
    const above = this.#tiles.findLastIndex((tile, index) => index < at && tile.depth <= depth)
    return Math.max(above, 0)
  }

  #focus(index: number): void {
    for (const other of this.#elements) other.tabIndex = -1
    const focused = this.#elements[index]
    if (focused === undefined) return
    focused.tabIndex = 0
    focused.focus()
  }
}

function firstRow(module: ModuleNode): number {
  let at = module
  while (at.row === undefined) {
    const [first] = at.children?.values() ?? []
    if (first === undefined) return 0
    at = first
  }
  return at.row
}

/** The next module outwards in which there is more to see. */
function outOf(module: ModuleNode): ModuleNode {
  let at = module.parent ?? module
  while (at.parent !== undefined && at.children?.size === 1) at = at.parent
  return at
}
