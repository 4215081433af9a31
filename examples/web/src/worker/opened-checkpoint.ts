/** A checkpoint that is open in the worker. */

import type { Checkpoint, ConversionPlan } from "tosafetensors"
import { listNothing, listPlanned, listTensors } from "./list-tensors.ts"
import type { MeasureWork } from "./measure-tensor.ts"
import { measureTensor } from "./measure-tensor.ts"
import { previewOf, RenameLog, rootCandidates } from "./plan-selection.ts"
import type { Measurement, OpenedCheckpoint, Preview, Refusal, TensorDescription } from "./protocol.ts"
import { refusalOf } from "./refusal.ts"
import type { TensorPieces } from "./tensor-pieces.ts"
import { inOnePiece, piecesOfCheckpoint } from "./tensor-pieces.ts"

const MiB = 2 ** 20

/** A tensor for whose dtype safetensors has no name cannot be planned; it is read whole, and held, up to this. */
const MOST_HELD_BYTES = 32 * MiB

export function summaryOf(checkpoint: Checkpoint): OpenedCheckpoint {
  const planned = attempt(() => checkpoint.plan())
  const plan = "refusal" in planned ? undefined : planned.value
  const preview: Preview | Refusal =
    "refusal" in planned ? planned.refusal : previewOf(planned.value.report, new RenameLog())
  const listed = attempt(() => listTensors(checkpoint, plan))
  return {
    kind: "checkpoint",
    layout: checkpoint.format,
    byteLength: checkpoint.byteLength,
    columns: "refusal" in listed ? whatIsPlanned(plan) : listed.value,
    listingProblem: "refusal" in listed ? listed.refusal : undefined,
    candidates: rootCandidates(checkpoint),
    preview,
  }
}

const whatIsPlanned = (plan: ConversionPlan | undefined) =>
  plan === undefined ? listNothing() : listPlanned(plan)

function attempt<Value>(work: () => Value): { readonly value: Value } | { readonly refusal: Refusal } {
  try {
    return { value: work() }
  } catch (error) {
    return { refusal: refusalOf(error) }
  }
}

export function describeTensor(checkpoint: Checkpoint, name: string): TensorDescription {
  const info = checkpoint.tensors.get(name)
  return info ?? { kind: "unsupported-tensor", reason: "not in the list of tensors" }
}

/** @throws as `plan` and reading do. */
export async function measureOfCheckpoint(
  checkpoint: Checkpoint,
  name: string,
  work: MeasureWork,
): Promise<Measurement> {
  const info = checkpoint.tensors.get(name)
  if (info?.kind !== "tensor")
    return { kind: "not-measured", reason: `It is ${info?.reason ?? "not there"}.` }
  const { torchDtype, byteLength, dtype } = info
  const readWhole = async (): Promise<TensorPieces> =>
    inOnePiece(await checkpoint.readTensor(name, { signal: work.signal }))
  if (dtype === undefined && byteLength > MOST_HELD_BYTES) {
    return { kind: "not-measured", reason: `It is too large to be held, and ${torchDtype} cannot be saved.` }
  }
  const makePieces = dtype === undefined ? readWhole : () => piecesOfCheckpoint(checkpoint, name)
  return measureTensor(torchDtype, byteLength, makePieces, work)
}
