/** Where a root may be: the containers near the top that hold tensors. */

import type { PickleValue } from "../pickle/values.ts"
import { type Branch, type Census, surveyLevel } from "./checkpoint-level.ts"
import { type Container, isContainer } from "./child-cursor.ts"
import type { RootCandidate } from "./errors.ts"

/** Everything that holds tensors at the top and one level below, each once. */
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
