/** From what a checkpoint holds to the plan for its safetensors file: its root, the tensors under it, and what is left out. */

import type { Steps } from "../bytes/turns.ts"
import type { Plan, PlanBounds, PlanReport } from "../plan/plan.ts"
import type { TensorOptions } from "../plan/plan-options.ts"
import { type NamedSource, planTensorsSteps, type TensorPlan } from "../plan/plan-tensors.ts"
import type { FoundTensor } from "../tensors/tensor.ts"
import type { CheckpointContents, CheckpointLayout } from "../torch/checkpoint-contents.ts"
import { type Census, NO_SPELLING, type RootReason } from "./checkpoint-level.ts"
import {
  collectParts,
  type FoundPart,
  matchNames,
  type NameMatch,
  PartList,
  withoutContainer,
} from "./checkpoint-parts.ts"
import { isContainer } from "./child-cursor.ts"
import { type ChosenRoot, chooseRoot, descend } from "./choose-root.ts"
import type { CheckpointPart } from "./errors.ts"
import { findUnreferencedSteps, type UnreferencedBytes } from "./unreferenced-bytes.ts"
import { nameTensorsSteps, takeCensusSteps } from "./walk-tensors.ts"

/** The name of a tensor that was saved alone. */
export const LONE_TENSOR_NAME = "tensor"

/** How to plan a conversion. All fields may be left out. */
export interface PlanOptions extends TensorOptions {
  /** Keys to the state dict, or `"all"` for every tensor of the checkpoint. Default: found by rule. */
  readonly root?: readonly string[] | "all" | undefined
}

/** What a conversion does, or did. Plain data: it can be printed as JSON. */
export interface ConversionReport extends PlanReport {
  readonly layout: CheckpointLayout
  /** Keys from the top of the checkpoint to the state dict. */
  readonly root: readonly string[]
  /** Why it was taken. */
  readonly rootReason: RootReason
  readonly leftOut: PlanReport["leftOut"] &
    LeftOutParts & {
      /** Tensors that lie outside the root, such as an optimizer's state. */
      readonly outsideRoot: number
    }
  /** What the checkpoint holds besides the tensors that are written. */
  readonly unreferenced: UnreferencedBytes
}

/** The plan of a conversion. */
export interface ConversionPlan extends Plan {
  readonly report: ConversionReport
}

/** The plan of a conversion, and its extents as they are held open. */
export interface PlannedConversion extends Pick<TensorPlan, "extents"> {
  readonly plan: ConversionPlan
}

/**
 * The plan for writing `contents`, which were read from `sources`, as safetensors.
 *
 * @throws `no-tensors`, `no-model`, `root-ambiguous`, `root-not-found`, `name-…`, `tensor-unsupported` with every such tensor,
 *   `tensors-shared`, `pickle-cycle`, `limit-exceeded`; whatever the caller's own functions throw.
 */
export function* planConversionSteps(
  contents: CheckpointContents,
  sources: readonly NamedSource[],
  options: PlanOptions,
  bounds: PlanBounds,
): Steps<PlannedConversion> {
  const { limits } = bounds
  const { value, layout, storages, checksums } = contents
  const census = yield* takeCensusSteps(value, limits)
  const root = chooseRoot(value, census, options.root)
  const found = isContainer(root.value)
    ? yield* nameTensorsSteps(root.value, census, limits, contents.memory.copy(), root.setApart)
    : [{ name: LONE_TENSOR_NAME, tensor: root.value }]
  const input = { found, sources, storageCount: storages.length, checksums }
  const { plan, extents, written, copiedWhole } = yield* planTensorsSteps(input, options, bounds)
  const tensorCount = isContainer(value) ? (census.get(value)?.tensorCount ?? 0) : 1
  const { leftOut, ...report } = plan.report
  const unreferenced = yield* findUnreferencedSteps(contents, { census, found, written, copiedWhole })
  const outsideRoot = tensorCount - found.length
  const converted: ConversionReport = {
    layout,
    root: root.path,
    rootReason: root.reason,
    ...report,
    leftOut: { outsideRoot, ...leftOut, ...findLeftOut(root, found, census) },
    unreferenced,
  }
  return { plan: { ...plan, report: converted }, extents }
}

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
function findLeftOut(root: ChosenRoot, found: readonly FoundTensor[], census: Census): LeftOutParts {
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
