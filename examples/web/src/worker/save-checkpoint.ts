/** Writes the safetensors file: straight to the disk where the browser can, otherwise as a Blob for a download. */

import type { BlobOptions, ConvertedBlob, Progress } from "tosafetensors"
import { isCheckpointError, toSafetensors, toSafetensorsBlob } from "tosafetensors"
import { planOptions, previewOf, RenameLog } from "./plan-selection.ts"
import type { Saved, Selection, WorkProgress } from "./protocol.ts"

/** What is held at most where the browser gives the page no files of its own, as it does when that comes from the disk. */
const MOST_HELD_BYTES = 2 ** 30

interface Work {
  readonly signal: AbortSignal
  readonly onProgress: (progress: WorkProgress) => void
}

/** @throws as `toSafetensors`; RenameLineError; what the file system throws. */
export async function saveCheckpoint(
  file: File,
  selection: Selection,
  handle: FileSystemFileHandle | undefined,
  { signal, onProgress }: Work,
): Promise<Saved> {
  const log = new RenameLog()
  const options = {
    ...planOptions(selection, log),
    signal,
    onProgress: ({ written, total, checked, toCheck }: Progress) =>
      onProgress(
        written < total || toCheck === 0
          ? { done: written, total }
          : { done: checked, total: toCheck, isChecking: true },
      ),
  }
  if (handle === undefined) {
    const { blob, report } = await convertToBlob(file, options)
    return { blob, preview: previewOf(report, log), checksums: report.checksums }
  }
  // Written beside the file that was picked, and put into its place when it is complete.
  const report = await toSafetensors(file, await handle.createWritable(), options)
  return { blob: undefined, preview: previewOf(report, log), checksums: report.checksums }
}

/** What does not fit into memory lies in the browser's own files, while the worker lives: until the file is closed. */
async function convertToBlob(file: File, options: BlobOptions): Promise<ConvertedBlob> {
  try {
    return await toSafetensorsBlob(file, options)
  } catch (error) {
    if (!isCheckpointError(error) || error.code !== "blob-memory") throw error
    return toSafetensorsBlob(file, { ...options, maxMemoryBytes: MOST_HELD_BYTES })
  }
}
