/** Writes the safetensors file: straight to the disk where the browser can, otherwise as a Blob for a download. */

import type { Checkpoint, ConversionPlan, PlanBlobOptions } from "tosafetensors"
import { isCheckpointError } from "tosafetensors"
import { planOptions, previewOf, RenameLog } from "./plan-selection.ts"
import type { Saved, Selection, Work } from "./protocol.ts"

/** What is held at most where the browser gives the page no files of its own, as it does when that comes from the disk. */
const MOST_HELD_BYTES = 2 ** 30

/** @throws as `toSafetensors`; RenameLineError; what the file system throws. */
export async function saveCheckpoint(
  checkpoint: Checkpoint,
  selection: Selection,
  handle: FileSystemFileHandle | undefined,
  { signal, onProgress }: Work,
): Promise<Saved> {
  const log = new RenameLog()
  const plan = checkpoint.plan(planOptions(selection, log))
  const options: PlanBlobOptions = {
    signal,
    onProgress: ({ written, total, checked, toCheck }) =>
      onProgress(
        written < total || toCheck === 0
          ? { done: written, total }
          : { done: checked, total: toCheck, isChecking: true },
      ),
  }
  const blob = handle === undefined ? await toBlob(checkpoint, plan, options) : undefined
  // Written beside the file that was picked, and put into its place when it is complete.
  if (handle !== undefined) await checkpoint.write(plan, await handle.createWritable(), options)
  return { blob, preview: previewOf(plan.report, log), checksums: plan.report.checksums }
}

/** What does not fit into memory lies in the browser's own files, while the worker lives: until the file is closed. */
async function toBlob(checkpoint: Checkpoint, plan: ConversionPlan, options: PlanBlobOptions): Promise<Blob> {
  try {
    return (await checkpoint.toBlob(plan, options)).blob
  } catch (error) {
    if (!isCheckpointError(error) || error.code !== "blob-memory") throw error
    return (await checkpoint.toBlob(plan, { ...options, maxMemoryBytes: MOST_HELD_BYTES })).blob
  }
}
