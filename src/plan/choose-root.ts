/**
 * Finds the state dict in a checkpoint by rule, so that the same file always gives the same names.
 *
 * A container that holds tensors itself is the root. Otherwise the only child that holds tensors is looked into; of
 * several, the first of the well-known names. A well-known child that has no root of its own is taken whole.
 */

import type { RootCandidate } from "../errors.ts"
import { CheckpointError } from "../errors.ts"
import type { PickleValue } from "../pickle/values.ts"
import type { Container } from "../torch/child-cursor.ts"
import { ChildCursor, isContainer } from "../torch/child-cursor.ts"
import { isTensor, isUnsupportedTensor } from "../torch/tensor-record.ts"
import type { AnyTensor, Holding } from "../torch/walk-tensors.ts"

/** What training code calls the state dict it saves beside other things, most telling first. */
const WELL_KNOWN = [
  "state_dict",
  "model_state_dict",
  "model",
  "module",
  "net",
  "network",
  "params_ema",
  "params",
  "generator",
  "weights",
  "ema",
] as const

/** Where the tensors to convert are. */
export interface ChosenRoot {
  readonly path: readonly string[]
  readonly value: Container | AnyTensor
}

type Census = ReadonlyMap<Container, Holding>

/** A child that holds tensors (or is one), by the text of its key. */
interface Branch {
  readonly key: string
  readonly value: Container
  readonly holding: Holding
}

/**
 * @throws `no-tensors`; `root-ambiguous` or `root-not-found` with every candidate and what it holds.
 */
export function chooseRoot(
  value: PickleValue,
  census: Census,
  root: readonly string[] | "all" | undefined,
): ChosenRoot {
  if (isTensor(value) || isUnsupportedTensor(value)) {
    if (root === undefined || root === "all" || root.length === 0) return { path: [], value }
    throw new CheckpointError("root-not-found", { root, candidates: [] })
  }
  if (!isContainer(value) || (census.get(value)?.tensorCount ?? 0) === 0) {
    throw new CheckpointError("no-tensors", { problem: "the checkpoint holds no tensors" })
  }
  if (root === "all") return { path: [], value }
  return root === undefined ? findByRule(value, census) : findByPath(value, census, root)
}

function findByRule(top: Container, census: Census): ChosenRoot {
  let path: readonly string[] = []
  let value = top
  let wellKnown = false
  while (census.get(value)?.direct !== true) {
    const branches = branchesOf(value, census)
    const [only] = branches
    const named = WELL_KNOWN.map((name) => branches.find(({ key }) => key === name)).find(
      (b) => b !== undefined,
    )
    const next = branches.length === 1 ? only : named
    if (next === undefined) {
      if (wellKnown) break
      throw new CheckpointError("root-ambiguous", { candidates: candidates(path, branches) })
    }
    wellKnown ||= named === next
    path = [...path, next.key]
    value = next.value
  }
  return { path, value }
}

function findByPath(top: Container, census: Census, path: readonly string[]): ChosenRoot {
  let value: PickleValue = top
  for (const [depth, step] of path.entries()) {
    const container: Container = value
    const child = childAt(container, step)
    if (isTensor(child) || isUnsupportedTensor(child)) {
      if (depth === path.length - 1) return { path, value: child }
    } else if (child !== undefined && isContainer(child) && (census.get(child)?.tensorCount ?? 0) > 0) {
      value = child
      continue
    }
    const reached = path.slice(0, depth)
    const found = candidates(reached, branchesOf(container, census))
    const here = census.get(container)
    if (here?.direct === true) {
      const { tensorCount, byteLength } = here
      found.unshift({ path: reached, tensorCount, byteLength })
    }
    throw new CheckpointError("root-not-found", { root: path, candidates: found })
  }
  return { path, value }
}

function childAt(container: Container, step: string): PickleValue | undefined {
  const children = new ChildCursor(container)
  while (children.next()) if (textOf(children.key) === step) return children.value
  return undefined
}

/** Keys that are neither text nor integers can be no part of a path; what lies under them is found by `all` only. */
function branchesOf(container: Container, census: Census): readonly Branch[] {
  const branches: Branch[] = []
  const children = new ChildCursor(container)
  while (children.next()) {
    const { key, value } = children
    const holding = isContainer(value) ? census.get(value) : undefined
    if (!isContainer(value) || holding === undefined || holding.tensorCount === 0) continue
    branches.push({ key: textOf(key) ?? "?", value, holding })
  }
  return branches
}

function textOf(key: PickleValue | undefined): string | undefined {
  return typeof key === "string" || typeof key === "number" || typeof key === "bigint"
    ? String(key)
    : undefined
}

function candidates(path: readonly string[], branches: readonly Branch[]): RootCandidate[] {
  return branches.map(({ key, holding: { tensorCount, byteLength } }) => ({
    path: [...path, key],
    tensorCount,
    byteLength,
  }))
}
