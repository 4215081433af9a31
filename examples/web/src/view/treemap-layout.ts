/** Where each piece of the map lies. Squarified by d3-hierarchy. All lengths are in CSS pixels. */

import { hierarchy, treemap } from "d3-hierarchy"
import type { MapNode, ModuleNode } from "../model/module-tree.ts"
import { mapOf } from "../model/module-tree.ts"

/** Levels of modules that are drawn within one another. */
const LEVELS = 6

/** A piece with less area is put together with others. */
const SMALLEST_AREA = 160

/** A module with less area is shown without what is in it. */
const SMALLEST_MODULE_AREA = 9000

/** Room for the name of a module above what is in it. */
const HEAD_HEIGHT = 22
const GAP = 2

export interface Tile {
  readonly node: MapNode
  readonly depth: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The pieces of `module`, each module before what is in it. The module itself is not among them. */
export function layOut(module: ModuleNode, width: number, height: number): readonly Tile[] {
  if (module.byteLength === 0 || width <= 0) return []
  const bytesOf = (area: number): number => (module.byteLength * area) / (width * height)
  const bounds = {
    smallestBytes: bytesOf(SMALLEST_AREA),
    smallestModuleBytes: bytesOf(SMALLEST_MODULE_AREA),
    levels: LEVELS,
  }
  const root = hierarchy(withContent(mapOf(module, bounds)), ({ children }) => children)
    .sum(({ children, byteLength }) => (children.length === 0 ? byteLength : 0))
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
  const placed = treemap<MapNode>()
    .size([width, height])
    .paddingInner(GAP)
    .paddingOuter((node) => (node.depth === 0 ? 0 : GAP))
    .paddingTop((node) => (node.depth === 0 ? 0 : HEAD_HEIGHT))
    .round(true)(root)
  const tiles: Tile[] = []
  placed.eachBefore(({ data, depth, x0, y0, x1, y1 }) => {
    if (depth > 0 && x1 - x0 >= 2 && y1 - y0 >= 2) {
      tiles.push({ node: data, depth, x: x0, y: y0, width: x1 - x0, height: y1 - y0 })
    }
  })
  return tiles
}

/** A tensor alone fills the map. */
function withContent(node: MapNode): MapNode {
  return node.children.length > 0 ? node : { ...node, children: [node] }
}
