/** From what a checkpoint holds to the plan for its safetensors file: its root, the tensors under it, and what is left out. */

import { atOnce, type Steps } from "../bytes/turns.ts"
import type { Plan, PlanReport } from "../plan/plan.ts"
import type { PlanBounds } from "../plan/plan-bounds.ts"
import type { TensorOptions } from "../plan/plan-options.ts"
import type { NamedSource, TensorPlan } from "../plan/plan-tensors.ts"
import { planTensorsSteps } from "../plan/plan-tensors.ts"
import type { CheckpointContents, CheckpointLayout } from "../torch/checkpoint-contents.ts"
import { isContainer } from "./child-cursor.ts"
import { chooseRoot } from "./choose-root.ts"
import type { LeftOutParts } from "./left-out.ts"
import { findLeftOut } from "./left-out.ts"
import type { RootReason } from "./root-reason.ts"
import type { UnreferencedBytes } from "./unreferenced-bytes.ts"
import { findUnreferencedSteps } from "./unreferenced-bytes.ts"
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
export function planConversion(
  contents: CheckpointContents,
  sources: readonly NamedSource[],
  options: PlanOptions,
  bounds: PlanBounds,
): PlannedConversion {
  return atOnce(planConversionSteps(contents, sources, options, bounds))
}

/** As `planConversion`, in steps. */
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
