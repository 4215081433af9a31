/** The parts of a checkpoint that a conversion leaves out, or that are all it has: where they are, and what. */

import type { PickleValue } from "../pickle/values.ts"
import { isTensor, isUnsupportedTensor, tensorByteLength } from "../tensors/tensor.ts"
import { type Branch, branchAt, type Census, isLooseRandomState, spellInPath } from "./checkpoint-level.ts"
import { ChildCursor, type Container, isContainer, spellKey } from "./child-cursor.ts"
import type { CheckpointPart, PartKind } from "./errors.ts"

/** Parts of one kind that are kept, and parts that are listed. */
const LISTED = 20

/** What people ask for first. */
const ORDER: readonly PartKind[] = ["state-dict", "tensors", "optimizer", "random-state", "tensor"]

/** A part, and the container that it is. */
export interface FoundPart extends CheckpointPart {
  readonly container: Container | undefined
}

/** The part as callers get it. */
export function withoutContainer({ path, kind, tensorCount, byteLength }: FoundPart): CheckpointPart {
  return { path, kind, tensorCount, byteLength }
}

/** Collects parts, the first of each kind, and counts them all. */
export class PartList {
  count = 0
  readonly #kinds = new Map<PartKind, FoundPart[]>()

  add(part: FoundPart): void {
    this.count += 1
    const known = this.#kinds.get(part.kind)
    if (known === undefined) this.#kinds.set(part.kind, [part])
    else if (known.length < LISTED) known.push(part)
  }

  /** State dicts first, then in the order of the file. */
  get first(): readonly FoundPart[] {
    return ORDER.flatMap((kind) => this.#kinds.get(kind) ?? []).slice(0, LISTED)
  }
}

/** Adds the children of `container` that hold tensors, or are one, where `isListed` says so. */
export function collectParts(
  list: PartList,
  container: Container,
  path: readonly string[],
  census: Census,
  isListed: (key: PickleValue | undefined, value: PickleValue) => boolean = () => true,
): void {
  for (const children = new ChildCursor(container); children.next(); ) {
    const { key, value } = children
    if (!isListed(key, value)) continue
    const branch = branchAt(key, value, census)
    if (branch !== undefined) {
      const { tensorCount, byteLength } = branch.holding
      const kind = kindOf(branch, census)
      list.add({ path: [...path, branch.name], kind, tensorCount, byteLength, container: branch.value })
    } else if (isTensor(value) || isUnsupportedTensor(value)) {
      const kind = isLooseRandomState(key, value) ? "random-state" : "tensor"
      const byteLength = isTensor(value) ? tensorByteLength(value) : 0
      list.add({
        path: [...path, spellInPath(key)],
        kind,
        tensorCount: 1,
        byteLength,
        container: undefined,
      })
    }
  }
}

function kindOf({ name, value, holding, state }: Branch, census: Census): PartKind {
  if (state !== undefined) return state
  if (holding.weightCount === 0) return "tensors"
  return WELL_KNOWN.includes(name) || isLikeStateDict(value, census) ? "state-dict" : "tensors"
}

/** Modules within modules are looked into so deep, in the first of their parts. */
const LEVELS = 4

/** Items that are looked through for that part: one container may be part of many. */
const LOOKED_THROUGH = 16

function isLikeStateDict(container: Container, census: Census): boolean {
  let inner: Container | undefined = container
  for (let depth = 0; inner !== undefined && depth < LEVELS; depth++) {
    const holding = census.get(inner)
    if (holding === undefined) return false
    if (holding.isModules || holding.hasDotted || holding.hasParameters) return true
    inner = holding.direct ? undefined : firstBranch(inner, census)
  }
  return false
}

function firstBranch(container: Container, census: Census): Container | undefined {
  const children = new ChildCursor(container)
  for (let looked = 0; looked < LOOKED_THROUGH && children.next(); looked++) {
    const branch = branchAt(children.key, children.value, census)
    if (branch !== undefined) return branch.value
  }
  return undefined
}

/**
 * Keys that say it: what lies there is the state dict, whatever lies beside it. The most telling first, and of averaged
 * weights and others the others, as most projects mean it.
 */
const TELLING = [
  "state_dict",
  "model_state_dict",
  "model_state",
  "net_state_dict",
  "network_state_dict",
] as const

/** Keys that a module may have as well, for a part of itself. */
const USUAL = [
  "model",
  "module",
  "net",
  "network",
  // Super-resolution tools mean the averaged weights.
  "params_ema",
  "params",
  "g_ema",
  "generator",
  "netG",
  "weights",
  "weight",
  "model_weights",
  "model_ema",
  "state_dict_ema",
  "ema_state_dict",
  "ema",
] as const

/** All of them, in order. */
const WELL_KNOWN: readonly string[] = /* @__PURE__ */ [...TELLING, ...USUAL]

/** Whether a key says by itself that a state dict lies there. */
export function isTelling(name: string): boolean {
  return (TELLING as readonly string[]).includes(name)
}

/**
 * The averaged weights of self-distillation, beside those of a student. Taken only where both hold the same names: in
 * other trainings the teacher is another model, and the student the one that is wanted.
 */
export const TEACHER = "teacher"

/** The first of `branches` by the order of the keys; undefined when none has one. */
export function firstWellKnown<Named extends { readonly name: string }>(
  branches: readonly Named[],
): Named | undefined {
  let first: Named | undefined
  let rank = WELL_KNOWN.length
  for (const branch of branches) {
    const at = WELL_KNOWN.indexOf(branch.name)
    if (at < 0 || at >= rank) continue
    first = branch
    rank = at
  }
  return first
}

/** How names compare with those of a state dict: the same, or but for the prefix that wrappers of modules put before. */
export type NameMatch = "same" | "with-module" | "without-module"

const PREFIX = "module."

/** What torch's AveragedModel counts with, beside the weights. */
const COUNTER = "n_averaged"

/** Items that are looked at for each tensor that is expected, and a few more: one part may be shared without end. */
const ITEMS_PER_TENSOR = 16
const MORE_ITEMS = 4096

/** How the names below `container` compare with `names`; undefined where they are others, or it would take too long. */
export function matchNames(
  names: ReadonlySet<string>,
  container: Container,
  census: Census,
): NameMatch | undefined {
  const tensorCount = census.get(container)?.tensorCount ?? 0
  if (tensorCount < names.size || tensorCount > names.size + 1) return undefined
  const matches = { same: 0, "with-module": 0, "without-module": 0 }
  for (const name of namesBelow(container, census, names.size)) {
    if (names.has(name)) matches.same += 1
    else if (name.startsWith(PREFIX) && names.has(name.slice(PREFIX.length))) matches["with-module"] += 1
    else if (names.has(PREFIX + name)) matches["without-module"] += 1
    else if (name !== COUNTER) return undefined
  }
  return (["same", "with-module", "without-module"] as const).find((match) => matches[match] === names.size)
}

/** Whether all the `others` hold the names of `one`. */
export function haveSameNames(one: Branch, others: readonly Branch[], census: Census): boolean {
  const expected = one.holding.tensorCount
  const isAlike = ({ holding: { tensorCount } }: Branch): boolean => Math.abs(tensorCount - expected) <= 1
  if (!others.every(isAlike)) return false
  const names = new Set(namesBelow(one.value, census, expected))
  return (
    names.size === expected && others.every(({ value }) => matchNames(names, value, census) !== undefined)
  )
}

/** Names below `container`, until as many items have been looked at as so many tensors may ask for. */
function* namesBelow(container: Container, census: Census, expected: number): Generator<string> {
  let left = ITEMS_PER_TENSOR * expected + MORE_ITEMS
  const frames = [{ prefix: "", children: new ChildCursor(container) }]
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (!frame.children.next()) {
      frames.pop()
      continue
    }
    if (left-- === 0) return
    const { key, value } = frame.children
    const isLeaf = isTensor(value) || isUnsupportedTensor(value)
    if (!isLeaf && !(isContainer(value) && (census.get(value)?.tensorCount ?? 0) > 0)) continue
    const text = spellKey(key)
    if (text === undefined) return
    const name = frame.prefix + text
    if (isLeaf) yield name
    else if (isContainer(value)) frames.push({ prefix: `${name}.`, children: new ChildCursor(value) })
  }
}
