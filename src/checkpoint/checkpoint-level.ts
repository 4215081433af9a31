/** One level of a checkpoint: the children that hold tensors, and what they look like. */

import type { PickleValue } from "../pickle/values.ts"
import { type AnyTensor, isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import { ChildCursor, type Container, isContainer, spellKey } from "./child-cursor.ts"
import type { RootCandidate } from "./errors.ts"
import {
  type Holding,
  hintsAtRandomState,
  isDotted,
  isKeptForOptimizer,
  isOptimizerSlot,
  isParameterKey,
  isRandomState,
  isTrainingKey,
} from "./holding.ts"

/** What each container holds. */
export type Census = ReadonlyMap<Container, Holding>

/** A child that is a container with tensors. */
export interface Branch {
  readonly key: PickleValue | undefined
  /** The key as it is spelled in paths. */
  readonly name: string
  readonly value: Container
  readonly holding: Holding
  /** Whether all that it holds is the state of optimizers or random generators, and counters beside it. */
  readonly state: "optimizer" | "random-state" | undefined
}

/** What a container holds itself. */
export interface Level {
  readonly branches: readonly Branch[]
  /** Tensors of its own that are no state of optimizers or random generators. */
  readonly looseCount: number
  /** Those of them that have dimensions. */
  readonly looseWeightCount: number
  /** Those of the latter that are called as parameters are: `weight`, or a path with dots. */
  readonly parameterCount: number
  /** Whether training code speaks here: a counter of epochs, a best score, an optimizer. */
  readonly isTraining: boolean
}

/** What the state of training that lies under a key is; undefined where there may be a model in it. */
function stateIn(key: PickleValue | undefined, value: Container, holding: Holding): Branch["state"] {
  const { tensorCount, weightCount, optimizerCount, randomCount } = holding
  if (isKeptForOptimizer(key, value)) return "optimizer"
  if (weightCount > 0 || optimizerCount + randomCount === 0) return undefined
  if (optimizerCount > 0) return "optimizer"
  return randomCount === tensorCount ? "random-state" : undefined
}

/** Whether a tensor that lies in a container itself is the state of a random generator. */
export function isLooseRandomState(key: PickleValue | undefined, value: PickleValue): boolean {
  return isTensor(value) && isRandomState(value, hintsAtRandomState(key))
}

/** Stands in paths for a key that has no spelling: no path leads there. */
export const NO_SPELLING = "?"

/** A key as it is spelled in paths. */
export function spellInPath(key: PickleValue | undefined): string {
  return spellKey(key) ?? NO_SPELLING
}

/** A branch, when `value` is one. */
export function branchAt(
  key: PickleValue | undefined,
  value: PickleValue,
  census: Census,
): Branch | undefined {
  const holding = isContainer(value) ? census.get(value) : undefined
  if (!isContainer(value) || holding === undefined || holding.tensorCount === 0) return undefined
  return { key, name: spellInPath(key), value, holding, state: stateIn(key, value, holding) }
}

/** Looks at the children of `container`, once each. */
export function surveyLevel(container: Container, census: Census): Level {
  const branches: Branch[] = []
  let [looseCount, looseWeightCount, parameterCount] = [0, 0, 0]
  let isTraining = false
  for (const children = new ChildCursor(container); children.next(); ) {
    const { key, value } = children
    const branch = branchAt(key, value, census)
    if (branch !== undefined) {
      branches.push(branch)
      isTraining ||= branch.state !== undefined
    } else if (isLooseRandomState(key, value)) {
      isTraining = true
    } else if (isTensor(value) || isUnsupportedTensor(value)) {
      if (isOptimizerSlot(key)) continue
      looseCount += 1
      const hasDimensions = !isScalar(value)
      if (hasDimensions) looseWeightCount += 1
      if (hasDimensions && (isDotted(key) || isParameterKey(key))) parameterCount += 1
      isTraining ||= !hasDimensions && isTrainingKey(key, true)
    } else {
      isTraining ||= isTrainingKey(key, false)
    }
  }
  return { branches, looseCount, looseWeightCount, parameterCount, isTraining }
}

function isScalar(tensor: AnyTensor): boolean {
  return isTensor(tensor) && tensor.shape.length === 0
}

/** Where a root may be: everything that holds tensors at the top and one level below, each once. */
export function rootCandidates(value: PickleValue, census: Census): readonly RootCandidate[] {
  if (!isContainer(value)) return []
  const top = candidatesIn(value, [], census)
  const inner = surveyLevel(value, census).branches.flatMap((branch) =>
    candidatesIn(branch.value, [branch.name], census),
  )
  const seen = new Set<string>()
  return [...top, ...inner].filter(({ path }) => seen.size < seen.add(JSON.stringify(path)).size)
}

/** The container itself, where tensors lie in it, and its parts that hold some. */
export function candidatesIn(
  container: Container,
  path: readonly string[],
  census: Census,
): readonly RootCandidate[] {
  const found = asCandidates(path, surveyLevel(container, census).branches)
  const here = census.get(container)
  if (here?.direct !== true) return found
  const { tensorCount, byteLength } = here
  return [{ path, tensorCount, byteLength }, ...found]
}

export function asCandidates(path: readonly string[], branches: readonly Branch[]): readonly RootCandidate[] {
  return branches.map(({ name, holding: { tensorCount, byteLength } }) => ({
    path: [...path, name],
    tensorCount,
    byteLength,
  }))
}

/**
 * Why a root was taken. A closed set: whoever shows it finds the words.
 *
 * - `lone-tensor`: the checkpoint is one tensor.
 * - `given`: the caller named it.
 * - `all`: the caller asked for every tensor.
 * - `holds-tensors`: the tensors lie in it, and no part of it is a state dict of its own.
 * - `only-part`: nothing else holds what may be a model's tensors.
 * - `state-dict`: it is a state dict, and beside it lie loose tensors.
 * - `well-known-key`: it lies under a well-known key of state dicts.
 */
export type RootReason =
  | "lone-tensor"
  | "given"
  | "all"
  | "holds-tensors"
  | "only-part"
  | "state-dict"
  | "well-known-key"
