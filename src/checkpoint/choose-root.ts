/**
 * Finds the state dict in a checkpoint by rule, so that the same file always gives the same names.
 *
 * From the top down, at each level: what is the state of optimizers and random generators is set apart. Of parts that
 * hold tensors, the only one is looked into, or the first of the well-known keys. Where tensors lie at the level itself,
 * it is the root, unless a part is a state dict of its own and they are loose beside it. docs/roots.md has the rule whole.
 */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { PickleValue } from "../pickle/values.ts"
import { NO_TENSORS } from "../plan/errors.ts"
import { type AnyTensor, isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import {
  asCandidates,
  type Branch,
  branchAt,
  type Census,
  candidatesIn,
  isLooseRandomState,
  type Level,
  type RootReason,
  surveyLevel,
} from "./checkpoint-level.ts"
import {
  collectParts,
  firstWellKnown,
  haveSameNames,
  isTelling,
  PartList,
  TEACHER,
  withoutContainer,
} from "./checkpoint-parts.ts"
import { ChildCursor, type Container, childAt, isContainer, spellKey } from "./child-cursor.ts"
import { type CheckpointPart, NO_MODEL, ROOT_AMBIGUOUS, ROOT_NOT_FOUND } from "./errors.ts"
import { type Holding, isOptimizerState } from "./holding.ts"

/** Where the tensors to convert are. */
export interface ChosenRoot {
  readonly path: readonly string[]
  readonly value: Container | AnyTensor
  readonly reason: RootReason
  /** The containers on the way to it, and under which of their keys it lies. */
  readonly trail: readonly TrailStep[]
  /** Keys of the root's own items that are no part of the model: optimizers, states of random generators. */
  readonly setApart: ReadonlySet<PickleValue | undefined>
}

export interface TrailStep {
  readonly container: Container
  readonly key: PickleValue | undefined
}

/** A step down, and why; `unclear` when several parts could be meant. */
type Step = StepDown | "unclear" | undefined

interface StepDown {
  readonly to: Branch
  readonly reason: RootReason
}

/** How much a reason says of the choice: that of the root is the weightiest on the way to it. */
const WEIGHTS: readonly RootReason[] = ["holds-tensors", "only-part", "state-dict", "well-known-key"]

const NOTHING: ReadonlySet<PickleValue | undefined> = /* @__PURE__ */ new Set()

/**
 * @throws `no-tensors`; `no-model`, with what it holds instead; `root-ambiguous` or `root-not-found`, with every
 *   candidate and what it holds.
 */
export function chooseRoot(
  value: PickleValue,
  census: Census,
  root: readonly string[] | "all" | undefined,
): ChosenRoot {
  if (isTensor(value) || isUnsupportedTensor(value)) {
    if (root === undefined || root === "all" || root.length === 0) {
      return { path: [], value, reason: "lone-tensor", trail: [], setApart: NOTHING }
    }
    throw new CheckpointError(ROOT_NOT_FOUND, { root, candidates: [] })
  }
  if (!isContainer(value) || (census.get(value)?.tensorCount ?? 0) === 0) {
    throw new CheckpointError(NO_TENSORS, { problem: "the checkpoint holds no tensors" })
  }
  if (root === "all") return { path: [], value, reason: "all", trail: [], setApart: NOTHING }
  return root === undefined ? findByRule(value, census) : findByPath(value, census, root)
}

function findByRule(top: Container, census: Census): ChosenRoot {
  requireModel(top, census)
  const { path, unclear, ...found } = descend(top, census)
  if (unclear === undefined) return { path, ...found, setApart: trainingStateIn(found.value, census) }
  const models = unclear.filter(({ state }) => state === undefined)
  throw new CheckpointError(ROOT_AMBIGUOUS, { candidates: asCandidates(path, models) })
}

/** How far the rule leads down from a container. */
export interface Descent {
  readonly path: readonly string[]
  readonly value: Container
  readonly reason: RootReason
  readonly trail: readonly TrailStep[]
  /** The parts that could be meant, where the rule says of none that it is. */
  readonly unclear: readonly Branch[] | undefined
}

/** Follows the rule from `top`. */
export function descend(top: Container, census: Census): Descent {
  const path: string[] = []
  const trail: TrailStep[] = []
  let value = top
  let reason: RootReason = "holds-tensors"
  for (let level = levelOf(value, census); level !== undefined; level = levelOf(value, census)) {
    // It is known for a state dict: numbers of its own, and parts, do not make it less of one.
    const isNamed = reason === "well-known-key" || reason === "state-dict"
    const step = stepFrom(level, isNamed, census)
    if (step === "unclear" && !isNamed) return { path, value, reason, trail, unclear: level.branches }
    // So it is taken whole where no part of it is the one.
    if (step === undefined || step === "unclear") break
    path.push(step.to.name)
    trail.push({ container: value, key: step.to.key })
    value = step.to.value
    if (WEIGHTS.indexOf(step.reason) > WEIGHTS.indexOf(reason)) reason = step.reason
  }
  return { path, value, reason, trail, unclear: undefined }
}

/** Undefined where nothing lies deeper: most state dicts are flat, and have many items. */
function levelOf(container: Container, census: Census): Level | undefined {
  return census.get(container)?.nested === true ? surveyLevel(container, census) : undefined
}

/** @throws `no-model` where all tensors are the state of training, and perhaps counters beside it. */
function requireModel(top: Container, census: Census): void {
  const holding = census.get(top)
  if (holding === undefined || holding.weightCount > 0) return
  if (holding.optimizerCount + holding.randomCount === 0) return
  const { branches } = surveyLevel(top, census)
  // A model may have nothing but numbers without dimensions, where it is called one.
  if (firstWellKnown(branches.filter(({ state }) => state === undefined)) !== undefined) return
  throw new CheckpointError(NO_MODEL, { parts: partsOfTraining(top, holding, census) })
}

function partsOfTraining(top: Container, holding: Holding, census: Census): readonly CheckpointPart[] {
  const { tensorCount, byteLength } = holding
  if (isOptimizerState(top)) return [{ path: [], kind: "optimizer", tensorCount, byteLength }]
  const parts = new PartList()
  collectParts(parts, top, [], census)
  return parts.first.map(withoutContainer)
}

/** What is to be looked into next; undefined where the level itself is the root. */
function stepFrom(level: Level, isNamed: boolean, census: Census): Step {
  const models = level.branches.filter(({ state }) => state === undefined)
  if (models.length === 0) return undefined
  return level.looseCount === 0 ? stepAmong(models, census) : stepBesideLoose(level, models, isNamed)
}

/** No tensor lies at the level itself. */
function stepAmong(models: readonly Branch[], census: Census): Step {
  const [only] = models
  const known = firstWellKnown(models)
  if (known !== undefined) return { to: known, reason: "well-known-key" }
  if (models.length === 1 && only !== undefined) return { to: only, reason: "only-part" }
  const weighty = models.filter(({ holding }) => holding.weightCount > 0)
  const [first] = weighty
  if (weighty.length === 1 && first !== undefined) return { to: first, reason: "only-part" }
  const teacher = weighty.find(({ name }) => name === TEACHER)
  if (teacher === undefined || !haveSameNames(teacher, weighty, census)) return "unclear"
  return { to: teacher, reason: "well-known-key" }
}

/** Tensors lie at the level itself: they are loose beside a state dict, or the level is the state dict. */
function stepBesideLoose(level: Level, models: readonly Branch[], isNamed: boolean): Step {
  const known = firstWellKnown(models)
  if (known !== undefined && isTelling(known.name)) return { to: known, reason: "well-known-key" }
  const weighty = models.filter(({ holding }) => holding.weightCount > 0)
  const own = weighty.filter((branch) => isStateDictBeside(level, branch))
  const [first] = own
  const only: StepDown | undefined =
    first !== undefined && weighty.length === 1 ? { to: first, reason: "state-dict" } : undefined
  const next: StepDown | undefined = known === undefined ? only : { to: known, reason: "well-known-key" }
  if (isNamed || level.parameterCount > 0) {
    // A state dict that has parts, unless training code speaks here and they are no more than what the part holds.
    const isLoose = level.isTraining && level.parameterCount <= (known?.holding.tensorCount ?? 0)
    return isLoose && known !== undefined ? next : undefined
  }
  // One state dict among parts that are none may be a part of a nested one.
  return next ?? (own.length > 1 ? "unclear" : undefined)
}

/**
 * Whether a part under a key of its own is a state dict beside loose tensors. Where training code speaks, nothing else
 * would lie there. Elsewhere it may be a module in a nested state dict, unless torch itself has marked it, or its names
 * have dots and no tensor beside it may be a weight.
 */
function isStateDictBeside({ isTraining, looseWeightCount }: Level, { holding }: Branch): boolean {
  return isTraining || holding.isModules || (holding.hasDotted && looseWeightCount === 0)
}

/** Keys of items that are set apart. */
function trainingStateIn(root: Container, census: Census): ReadonlySet<PickleValue | undefined> {
  const holding = census.get(root)
  if (holding === undefined || holding.optimizerCount + holding.randomCount === 0) return NOTHING
  const keys = new Set<PickleValue | undefined>()
  for (const children = new ChildCursor(root); children.next(); ) {
    const { key, value } = children
    const isApart = branchAt(key, value, census)?.state !== undefined || isLooseRandomState(key, value)
    if (isApart) keys.add(key)
  }
  return keys
}

function findByPath(top: Container, census: Census, path: readonly string[]): ChosenRoot {
  const spelled: string[] = []
  const trail: TrailStep[] = []
  let value: Container = top
  for (const [depth, step] of path.entries()) {
    const container: Container = value
    const entry = childAt(container, step)
    const child = entry?.value
    if (entry !== undefined) {
      trail.push({ container, key: entry.key })
      spelled.push(spellKey(entry.key) ?? step)
    }
    if (isTensor(child) || isUnsupportedTensor(child)) {
      if (depth === path.length - 1) {
        return { path: spelled, value: child, reason: "given", trail, setApart: NOTHING }
      }
    } else if (child !== undefined && isContainer(child) && (census.get(child)?.tensorCount ?? 0) > 0) {
      value = child
      continue
    }
    const reached = path.slice(0, depth)
    throw new CheckpointError(ROOT_NOT_FOUND, {
      root: path,
      candidates: candidatesIn(container, reached, census),
    })
  }
  return { path: spelled, value, reason: "given", trail, setApart: NOTHING }
}
