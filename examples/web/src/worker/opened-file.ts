/** A file that is open in the worker: a checkpoint, or a safetensors file, where there is nothing to convert and as much to see. */

import type { Checkpoint, ConversionPlan, HeaderFinding, SafetensorsFile } from "tosafetensors"
import { listNothing, listPlanned, listStored, listTensors } from "./list-tensors.ts"
import { previewOf, RenameLog } from "./plan-selection.ts"
import type { OpenedCheckpoint, OpenedSafetensors, Refusal, TensorDescription } from "./protocol.ts"
import { refusalOf } from "./refusal.ts"

/** Entries of the metadata that are shown, and UTF-16 units of each. */
const SHOWN_ENTRIES = 200
const SHOWN_UNITS = 4000

export type AnyFile = Checkpoint | SafetensorsFile

export function summaryOfCheckpoint(checkpoint: Checkpoint): OpenedCheckpoint {
  const planned = attempt(() => checkpoint.plan())
  const plan = "refusal" in planned ? undefined : planned.value
  const listed = attempt(() => ({
    columns: listTensors(checkpoint, plan),
    sharingCount: checkpoint.sharedMemory.flat().length,
  }))
  const candidates = attempt(() => checkpoint.candidates)
  return {
    kind: "checkpoint",
    layout: checkpoint.format,
    byteLength: checkpoint.byteLength,
    ...("refusal" in listed ? { columns: whatIsPlanned(plan), sharingCount: 0 } : listed.value),
    listingProblem: "refusal" in listed ? listed.refusal : undefined,
    candidates: "refusal" in candidates ? [] : candidates.value,
    preview: "refusal" in planned ? planned.refusal : previewOf(planned.value.report, new RenameLog()),
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

/** `findings` of a check, which are warnings: it is open. */
export function summaryOfStored(
  { byteLength, header, metadata }: SafetensorsFile,
  findings: readonly HeaderFinding[],
): OpenedSafetensors {
  const entries = Array.from(metadata).slice(0, SHOWN_ENTRIES)
  return {
    kind: "safetensors",
    byteLength,
    columns: listStored(header.tensors),
    headerByteLength: header.dataOffset,
    metadata: entries.map(([key, value]) => [key.slice(0, SHOWN_UNITS), value.slice(0, SHOWN_UNITS)]),
    metadataCount: metadata.size,
    warnings: findings.slice(0, SHOWN_ENTRIES).map(({ problem }) => problem),
  }
}

export function describeTensor(file: AnyFile, name: string): TensorDescription {
  const info = file.tensors.get(name)
  if (info === undefined) return { kind: "unsupported-tensor", reason: "not in the list of tensors" }
  const stored = file.format === "safetensors" ? file.header.tensors.get(name) : undefined
  if (file.format !== "safetensors" || stored === undefined || info.kind !== "tensor") return info
  const { dtype, shape, start, end } = stored
  return {
    kind: "stored-tensor",
    dtype,
    // It has no floats of six bits.
    torchDtype: dtype.startsWith("F6_") ? undefined : info.torchDtype,
    // Where several elements are packed into a byte, torch counts bytes.
    shape,
    elementCount: shape.reduce((product, size) => product * size, 1),
    byteLength: end - start,
    fileOffset: file.header.dataOffset + start,
  }
}
