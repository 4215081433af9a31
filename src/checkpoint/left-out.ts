/** What lies outside the root that was taken: which parts, and which of them are the same model once more. */

import type { FoundTensor } from "../tensors/tensor.ts"
import { type Census, NO_SPELLING } from "./checkpoint-level.ts"
import { collectParts, type FoundPart, PartList, withoutContainer } from "./checkpoint-parts.ts"
import type { ChosenRoot } from "./choose-root.ts"
import { descend } from "./choose-root.ts"
import type { CheckpointPart } from "./errors.ts"
import type { NameMatch } from "./same-names.ts"
import { matchNames } from "./same-names.ts"

/** A state dict that was not taken and holds the names of the one that was: averaged weights, say, or a teacher. */
export interface SameNames {
  /** Keys from the top: as a root, it gives that state dict. */
  readonly path: readonly string[]
  readonly tensorCount: number
  readonly byteLength: number
  /** `with-module`: each of its names has `module.` before it. `without-module`: each of the root's has. */
  readonly match: NameMatch
}

/** Parts outside the root. */
export interface LeftOutParts {
  /** State dicts first, then in the order of the file. At most 20. */
  readonly parts: readonly CheckpointPart[]
  readonly partCount: number
  /** Of the listed parts. */
  readonly sameNames: readonly SameNames[]
}

/** Finds what `root` leaves out of the checkpoint. `found` are the tensors under it. */
export function findLeftOut(root: ChosenRoot, found: readonly FoundTensor[], census: Census): LeftOutParts {
  const { path, trail, value, setApart } = root
  const list = new PartList()
  for (const [depth, step] of trail.entries()) {
    collectParts(list, step.container, path.slice(0, depth), census, (key) => key !== step.key)
  }
  if (setApart.size > 0 && "size" in value)
    collectParts(list, value, path, census, (key) => setApart.has(key))
  const { first, count } = list
  const isStateDict = ({ kind }: FoundPart): boolean => kind === "state-dict" || kind === "tensors"
  const rivals = first.filter(isStateDict)
  return {
    parts: first.map(withoutContainer),
    partCount: count,
    sameNames: rivals.length === 0 ? [] : findSameNames(rivals, found, census),
  }
}

function findSameNames(
  rivals: readonly FoundPart[],
  found: readonly FoundTensor[],
  census: Census,
): readonly SameNames[] {
  const isAlike = ({ tensorCount }: FoundPart): boolean => tensorCount >= found.length
  if (!rivals.some(isAlike)) return []
  const names = new Set(found.map(({ name }) => name))
  return rivals.filter(isAlike).flatMap((rival) => {
    if (rival.container === undefined) return []
    // The whole part first: what the rule finds in it may be less.
    const inner = descend(rival.container, census)
    for (const { path, value } of [{ path: [], value: rival.container }, inner]) {
      const match = matchNames(names, value, census)
      const holding = census.get(value)
      const whole = [...rival.path, ...path]
      if (match === undefined || holding === undefined || whole.includes(NO_SPELLING)) continue
      const { tensorCount, byteLength } = holding
      return [{ path: whole, tensorCount, byteLength, match }]
    }
    return []
  })
}
