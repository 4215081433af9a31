/**
 * Finds the tensors in what a pickle holds.
 *
 * The tree comes from a stranger: it may share parts so often that walking it by path takes for ever, be deep enough
 * to exhaust the stack, or contain itself. So a first pass counts what each container holds, once a container and
 * without recursion; naming then only descends where tensors are, and stops at a limit.
 */

import { CheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import type { PickleValue } from "../pickle/values.ts"
import {
  describeValue,
  PickleDict,
  PickleFloat,
  PickleList,
  PickleSet,
  PickleTuple,
} from "../pickle/values.ts"
import type { TensorRecord, UnsupportedTensor } from "./tensor-record.ts"
import { isTensor, isUnsupportedTensor, tensorByteLength } from "./tensor-record.ts"

/** A value with others in it. */
export type Container = PickleDict | PickleList | PickleTuple | PickleSet

/** A tensor, or one that safetensors cannot hold. */
export type AnyTensor = TensorRecord | UnsupportedTensor

/** What a container holds, at any depth. Parts that are shared count as often as they are reached. */
export interface Holding {
  readonly tensorCount: number
  readonly byteLength: number
  /** Whether tensors are among its own items. */
  readonly direct: boolean
}

/** One item of a container: its key in a mapping, its index in a sequence, undefined in a set. */
export interface Child {
  readonly key: PickleValue | undefined
  readonly value: PickleValue
}

/** A tensor and where it was found. */
export interface FoundTensor {
  /** Keys from the walk's root, joined by dots. */
  readonly name: string
  readonly tensor: AnyTensor
}

export function isContainer(value: PickleValue): value is Container {
  return (
    value instanceof PickleDict ||
    value instanceof PickleList ||
    value instanceof PickleTuple ||
    value instanceof PickleSet
  )
}

/** The items of a container in order. */
export function childrenOf(container: Container): readonly Child[] {
  if (container instanceof PickleDict) return [...container.entries()]
  const keyed = !(container instanceof PickleSet)
  return container.items.map((value, index) => ({ key: keyed ? index : undefined, value }))
}

function itemCount(container: Container): number {
  return container instanceof PickleDict ? container.size : container.items.length
}

interface Frame {
  readonly container: Container
  readonly children: readonly Child[]
  next: number
  tensorCount: number
  byteLength: number
  direct: boolean
}

/**
 * Counts the tensors in every container below `root`. Linear in the size of the pickle.
 *
 * @throws `pickle-cycle`, `limit-exceeded` (`maxNesting`, `maxNodes`).
 */
export function takeCensus(root: PickleValue, limits: Limits): ReadonlyMap<Container, Holding> {
  const census = new Map<Container, Holding>()
  if (!isContainer(root)) return census
  const open = new Set<Container>([root])
  let nodes = itemCount(root)
  requireWithin(limits, "maxNodes", nodes)
  const frames: Frame[] = [openFrame(root)]
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const child = frame.children[frame.next++]
    if (child === undefined) {
      close(frame)
      continue
    }
    const { value } = child
    if (isTensor(value) || isUnsupportedTensor(value)) {
      frame.tensorCount += 1
      frame.byteLength += isTensor(value) ? tensorByteLength(value) : 0
      frame.direct = true
    } else if (isContainer(value)) {
      const holding = census.get(value)
      if (holding === undefined) descend(value)
      else add(frame, holding)
    }
  }
  return census

  function descend(container: Container): void {
    if (open.has(container)) {
      throw new CheckpointError("pickle-cycle", { problem: `a ${container.kind} contains itself` })
    }
    nodes += itemCount(container)
    requireWithin(limits, "maxNodes", nodes)
    requireWithin(limits, "maxNesting", frames.length + 1)
    open.add(container)
    frames.push(openFrame(container))
  }

  function close({ container, tensorCount, byteLength, direct }: Frame): void {
    const holding = { tensorCount, byteLength, direct }
    census.set(container, holding)
    open.delete(container)
    frames.pop()
    const parent = frames.at(-1)
    if (parent !== undefined) add(parent, holding)
  }
}

function openFrame(container: Container): Frame {
  return { container, children: childrenOf(container), next: 0, tensorCount: 0, byteLength: 0, direct: false }
}

function add(frame: Frame, holding: Holding): void {
  frame.tensorCount += holding.tensorCount
  frame.byteLength += holding.byteLength
}

interface NamingFrame {
  readonly prefix: string
  readonly children: readonly Child[]
  next: number
}

/**
 * Every tensor below `root` with its dotted name, in the order of the tree.
 *
 * @throws `name-type` where a key on the way to a tensor is neither text nor an integer; `limit-exceeded`
 *   (`maxTensors`, `maxNameBytes`, `maxTotalNameBytes`, `maxNodes`).
 */
export function nameTensors(
  root: Container,
  census: ReadonlyMap<Container, Holding>,
  limits: Limits,
): readonly FoundTensor[] {
  requireWithin(limits, "maxTensors", census.get(root)?.tensorCount ?? 0)
  const found: FoundTensor[] = []
  let nodes = itemCount(root)
  requireWithin(limits, "maxNodes", nodes)
  const frames: NamingFrame[] = [{ prefix: "", children: childrenOf(root), next: 0 }]
  let nameUnits = 0
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const child = frame.children[frame.next++]
    if (child === undefined) {
      frames.pop()
      continue
    }
    const { value } = child
    const isLeaf = isTensor(value) || isUnsupportedTensor(value)
    const holds = isContainer(value) && (census.get(value)?.tensorCount ?? 0) > 0
    if (!isLeaf && !holds) continue
    const name = frame.prefix + keyText(child.key, frame.prefix)
    // UTF-8 takes at least one byte a UTF-16 unit; the header's own limit is exact.
    requireWithin(limits, "maxNameBytes", name.length)
    nameUnits += name.length
    requireWithin(limits, "maxTotalNameBytes", nameUnits)
    if (isLeaf) {
      found.push({ name, tensor: value })
    } else if (isContainer(value)) {
      nodes += itemCount(value)
      requireWithin(limits, "maxNodes", nodes)
      frames.push({ prefix: `${name}.`, children: childrenOf(value), next: 0 })
    }
  }
  return found
}

/** How a key stands in a name: text as it is, an integer in decimal. */
export function keyText(key: PickleValue | undefined, prefix: string): string {
  if (typeof key === "string") return key
  if (typeof key === "number" || typeof key === "bigint") return String(key)
  const what = key === undefined ? "a member of a set" : describeKey(key)
  throw new CheckpointError("name-type", {
    name: prefix,
    problem: `a tensor lies under a key that is ${what}; only text and integers make names`,
  })
}

function describeKey(key: PickleValue): string {
  return key instanceof PickleFloat ? `the float ${key.value}` : describeValue(key)
}
