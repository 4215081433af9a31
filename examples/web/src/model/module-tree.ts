/** The modules of a model, as the dots in its tensors' names make them. */

import type { TensorColumns } from "./tensor-columns.ts"
import { ownBytes } from "./tensor-columns.ts"

/** Levels that are told apart. A name may hold half a million dots; the rest of such a name is one part. */
const MOST_LEVELS = 64

/** A module, a tensor, or both: nothing keeps `a` and `a.b` from being tensors. */
export interface ModuleNode {
  /** The part of the name between two dots. */
  readonly label: string
  readonly parent: ModuleNode | undefined
  /** Of the tensor of that name, in the columns. */
  row: number | undefined
  /** Of all tensors at and below it. */
  byteLength: number
  tensorCount: number
  /** By label. Undefined where there are none: most nodes are tensors, and a map for each would take time and room. */
  children: Map<string, ModuleNode> | undefined
}

/** A node as the map shows it. */
export interface MapNode {
  readonly label: string
  /** Where a click zooms to; undefined for tensors and for what is put together. */
  readonly module: ModuleNode | undefined
  /** The tensor; undefined for modules and for what is put together. */
  readonly row: number | undefined
  readonly byteLength: number
  readonly tensorCount: number
  readonly children: readonly MapNode[]
}

export interface MapBounds {
  /** Children below that many bytes are put together into one. */
  readonly smallestBytes: number
  /** Modules below that many bytes are shown without what is in them. */
  readonly smallestModuleBytes: number
  /** Levels of modules that are opened. */
  readonly levels: number
}

/** The tree of all tensors. */
export function buildModuleTree(columns: TensorColumns): ModuleNode {
  const root = newNode("", undefined)
  for (const [row, name] of columns.names.entries()) {
    const byteLength = ownBytes(columns, row)
    let node = root
    count(node, byteLength)
    for (const label of partsOf(name)) {
      node = childOf(node, label)
      count(node, byteLength)
    }
    node.row = row
  }
  return root
}

function partsOf(name: string): readonly string[] {
  const parts = name.split(".", MOST_LEVELS)
  if (parts.length < MOST_LEVELS) return parts
  const kept = parts.slice(0, -1)
  const restStart = kept.reduce((sum, part) => sum + part.length + 1, 0)
  return [...kept, name.slice(restStart)]
}

function newNode(label: string, parent: ModuleNode | undefined): ModuleNode {
  return { label, parent, row: undefined, byteLength: 0, tensorCount: 0, children: undefined }
}

function childOf(node: ModuleNode, label: string): ModuleNode {
  node.children ??= new Map()
  const known = node.children.get(label)
  if (known !== undefined) return known
  const made = newNode(label, node)
  node.children.set(label, made)
  return made
}

function count(node: ModuleNode, byteLength: number): void {
  node.byteLength += byteLength
  node.tensorCount += 1
}

/** From the top (left out) to `node`. */
export function pathTo(node: ModuleNode): readonly ModuleNode[] {
  const path: ModuleNode[] = []
  for (let at: ModuleNode = node; at.parent !== undefined; at = at.parent) path.unshift(at)
  return path
}

/** The module that the keys of `path` lead to; undefined when there is none. */
export function moduleAt(top: ModuleNode, path: readonly string[]): ModuleNode | undefined {
  return path
    .flatMap((key) => key.split("."))
    .reduce<ModuleNode | undefined>((node, label) => node?.children?.get(label), top)
}

/** What the map shows of `node`: few enough levels and pieces to be drawn, however many tensors there are. */
export function mapOf(node: ModuleNode, bounds: MapBounds): MapNode {
  const [label, inner] = skipChain(node)
  const isTensor = inner.children === undefined
  const own = {
    label,
    module: isTensor ? undefined : inner,
    byteLength: inner.byteLength,
    tensorCount: inner.tensorCount,
  }
  const isFolded = bounds.levels === 0 || inner.byteLength < bounds.smallestModuleBytes
  if (isTensor || isFolded) return { ...own, row: isTensor ? inner.row : undefined, children: [] }
  return { ...own, row: undefined, children: childrenOf(inner, bounds) }
}

function childrenOf(node: ModuleNode, bounds: MapBounds): readonly MapNode[] {
  const shown: MapNode[] = []
  let restBytes = 0
  let restCount = 0
  let childBytes = 0
  for (const child of node.children?.values() ?? []) {
    childBytes += child.byteLength
    if (child.byteLength >= bounds.smallestBytes && child.byteLength > 0) {
      shown.push(mapOf(child, { ...bounds, levels: bounds.levels - 1 }))
    } else {
      restBytes += child.byteLength
      restCount += child.tensorCount
    }
  }
  const ownBytes = node.byteLength - childBytes
  if (node.row !== undefined && ownBytes > 0) {
    shown.push({
      label: "(itself)",
      module: undefined,
      row: node.row,
      byteLength: ownBytes,
      tensorCount: 1,
      children: [],
    })
  }
  if (restBytes > 0) {
    const label = `${restCount} small`
    shown.push({
      label,
      module: undefined,
      row: undefined,
      byteLength: restBytes,
      tensorCount: restCount,
      children: [],
    })
  }
  return shown.sort((a, b) => b.byteLength - a.byteLength)
}

/** Modules with one child and nothing else are one: `model.decoder`. */
function skipChain(node: ModuleNode): readonly [label: string, inner: ModuleNode] {
  const labels = [node.label]
  let inner = node
  while (inner.row === undefined && inner.children?.size === 1) {
    const [only] = inner.children.values()
    if (only === undefined) break
    inner = only
    labels.push(inner.label)
  }
  return [labels.filter((label, index) => index > 0 || label !== "").join("."), inner]
}
