/** Where a root may be: the containers near the top that hold tensors. */

import type { PickleValue } from "../pickle/values.ts"
import type { Branch, Census } from "./checkpoint-level.ts"
import { surveyLevel } from "./checkpoint-level.ts"
import type { Container } from "./child-cursor.ts"
import { isContainer } from "./child-cursor.ts"
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
