/**
 * Finds the tensors in what a pickle holds.
 *
 * The tree comes from a stranger: it may share parts so often that walking it by path takes for ever, be deep enough
 * to exhaust the stack, or contain itself. So a first pass counts what each container holds, once a container and
 * without recursion; naming then only descends where tensors are, and stops at a limit.
 */

import { atOnce, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { PICKLE_CYCLE } from "../pickle/errors.ts"
import type { MemoryBudget } from "../pickle/memory-budget.ts"
import { describeValue, type PickleValue } from "../pickle/values.ts"
import { type FoundTensor, isTensor, isUnsupportedTensor, type Tensor } from "../tensors/tensor.ts"
import { quoteText } from "../text/quote-text.ts"
import { NAME_TYPE } from "../torch/errors.ts"
import { isStorageReference, partsOf, type StorageReference } from "../torch/torch-tensors.ts"
import { ChildCursor, type Container, isContainer, spellKey } from "./child-cursor.ts"
import { type Holding, Tally } from "./holding.ts"

interface Frame {
  readonly tally: Tally
  readonly children: ChildCursor
}

/**
 * Counts the tensors in every container below `root` that is not empty. Linear in the size of the pickle.
 *
 * @throws `pickle-cycle`, `limit-exceeded` (`maxNesting`, `maxNodes`).
 */
export function takeCensus(root: PickleValue, limits: Limits): ReadonlyMap<Container, Holding> {
  return atOnce(takeCensusSteps(root, limits))
}

/** As `takeCensus`, in steps. */
export function* takeCensusSteps(root: PickleValue, limits: Limits): Steps<ReadonlyMap<Container, Holding>> {
  const census = new Map<Container, Holding>()
  if (!isContainer(root)) return census
  const open = new Set<Container>([root])
  let nodes = root.size
  requireWithin(limits, "maxNodes", nodes)
  const frames: Frame[] = [openFrame(new Tally(root, false))]
  let left = STEP_ITEMS
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (--left === 0) {
      left = STEP_ITEMS
      yield
    }
    if (!frame.children.next()) {
      close(frame.tally)
      continue
    }
    const { key, value } = frame.children
    if (typeof value !== "object" || value === null) continue
    if (isContainer(value)) {
      if (frames.length >= limits.maxNesting) requireWithin(limits, "maxNesting", frames.length + 1)
      if (value.size === 0) continue
      const holding = census.get(value)
      if (holding === undefined) descend(frame.tally.below(key, value))
      else frame.tally.addChild(key, value, holding)
    } else if (isTensor(value) || isUnsupportedTensor(value)) {
      frame.tally.addTensor(key, value)
    }
  }
  return census

  function descend(tally: Tally): void {
    const { container } = tally
    if (open.has(container)) {
      throw new CheckpointError(PICKLE_CYCLE, { problem: `a ${container.kind} contains itself` })
    }
    nodes += container.size
    requireWithin(limits, "maxNodes", nodes)
    open.add(container)
    frames.push(openFrame(tally))
  }

  function close(tally: Tally): void {
    const { container, holding } = tally
    census.set(container, holding)
    open.delete(container)
    frames.pop()
    // Its key is the one that its parent stands on.
    const parent = frames.at(-1)
    parent?.tally.addChild(parent.children.key, container, holding)
  }
}

function openFrame(tally: Tally): Frame {
  return { tally, children: new ChildCursor(tally.container) }
}

/** What planning takes for a tensor, from its name to its segment: a dozen small objects, and entries in maps. */
const TENSOR_BYTES = 640
/** For a unit of its name: in the name, in the header's text, in the header. */
const NAME_UNIT_BYTES = 6
/** For a dimension: in the texts that tell tensors apart, in the header, in a view. */
const DIMENSION_BYTES = 48

/** A name of so many units (a power of two) counts in a step as one item more. */
const LONG_NAME_SHIFT = 6

interface NamingFrame {
  readonly prefix: string
  readonly children: ChildCursor
}

const NOTHING: ReadonlySet<PickleValue | undefined> = /* @__PURE__ */ new Set()

/**
 * Every tensor below `root` with its dotted name, in the order of the tree. What planning them takes is charged to
 * `memory`. Items of `root` itself whose keys are `setApart` are passed over.
 *
 * @throws `name-type` where a key on the way to a tensor has no spelling; `limit-exceeded`
 *   (`maxTensors`, `maxNameBytes`, `maxTotalNameBytes`, `maxNodes`, `memoryRatio`).
 */
export function* nameTensorsSteps(
  root: Container,
  census: ReadonlyMap<Container, Holding>,
  limits: Limits,
  memory?: MemoryBudget,
  setApart: ReadonlySet<PickleValue | undefined> = NOTHING,
): Steps<readonly FoundTensor[]> {
  const tensorCount = census.get(root)?.tensorCount ?? 0
  requireWithin(limits, "maxTensors", tensorCount)
  memory?.take(tensorCount * TENSOR_BYTES)
  const found: FoundTensor[] = []
  let nodes = root.size
  requireWithin(limits, "maxNodes", nodes)
  const frames: NamingFrame[] = [{ prefix: "", children: new ChildCursor(root) }]
  let nameUnits = 0
  let left = STEP_ITEMS
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (--left === 0) {
      left = STEP_ITEMS
      yield
    }
    if (!frame.children.next()) {
      frames.pop()
      continue
    }
    const { value, key } = frame.children
    if (typeof value !== "object" || value === null) continue
    if (frames.length === 1 && setApart.has(key)) continue
    const isLeaf = isTensor(value) || isUnsupportedTensor(value)
    if (!isLeaf && !(isContainer(value) && (census.get(value)?.tensorCount ?? 0) > 0)) continue
    const name = frame.prefix + keyText(key, frame.prefix)
    // UTF-8 takes at least one byte a UTF-16 unit; the header's own limit is exact.
    requireWithin(limits, "maxNameBytes", name.length)
    nameUnits += name.length
    left = Math.max(1, left - (name.length >>> LONG_NAME_SHIFT))
    requireWithin(limits, "maxTotalNameBytes", nameUnits)
    const dimensions = isTensor(value) ? value.shape.length : 0
    memory?.take(NAME_UNIT_BYTES * name.length + DIMENSION_BYTES * dimensions)
    if (isLeaf) {
      found.push({ name, tensor: value })
    } else if (isContainer(value)) {
      nodes += value.size
      requireWithin(limits, "maxNodes", nodes)
      frames.push({ prefix: `${name}.`, children: new ChildCursor(value) })
    }
  }
  return found
}

/**
 * How a key stands in a name.
 *
 * @throws `name-type` where it has no spelling.
 */
function keyText(key: PickleValue | undefined, prefix: string): string {
  const text = spellKey(key)
  if (text !== undefined) return text
  const what = key === undefined ? "a member of a set" : describeKey(key)
  throw new CheckpointError(NAME_TYPE, {
    name: prefix,
    problem: `a tensor lies under a key that is ${what}; text, numbers, None and short tuples of them make names`,
  })
}

/** As much as a message can show. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 80))
}

function describeKey(key: PickleValue): string {
  if (key instanceof Uint8Array) return `bytes (${quoteText(latin1(key))} as Latin-1)`
  return describeValue(key)
}

/**
 * Calls `visit` with everything below `root` that draws on storages: tensors, and of unsupported ones the tensors and
 * storages among their parts. A container is looked into once; a tensor that several hold comes as often. A storage that
 * stands in the tree by itself is no tensor's.
 */
export function* visitStorageUsers(
  root: PickleValue,
  census: ReadonlyMap<Container, Holding>,
  visit: (user: Tensor | StorageReference) => void,
): Steps<void> {
  let left = STEP_ITEMS
  const parts: PickleValue[] = []
  if (isTensor(root)) visit(root)
  else if (isUnsupportedTensor(root)) parts.push(...partsOf(root))
  for (const [container, { direct }] of census) {
    if (!direct) continue
    for (const children = new ChildCursor(container); children.next(); ) {
      if (--left === 0) {
        left = STEP_ITEMS
        yield
      }
      const { value } = children
      if (isTensor(value)) visit(value)
      else if (isUnsupportedTensor(value)) for (const part of partsOf(value)) parts.push(part)
    }
  }
  const looked = new Set<PickleValue>()
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (--left === 0) {
      left = STEP_ITEMS
      yield
    }
    if (isTensor(part) || isStorageReference(part)) {
      visit(part)
      continue
    }
    if (looked.has(part)) continue
    looked.add(part)
    if (isUnsupportedTensor(part)) for (const inner of partsOf(part)) parts.push(inner)
    else if (isContainer(part)) {
      for (const children = new ChildCursor(part); children.next(); ) parts.push(children.value)
    }
  }
}
