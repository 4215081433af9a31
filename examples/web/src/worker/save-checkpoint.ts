/** Writes the safetensors file: straight to the disk where the browser can, otherwise as a Blob for a download. */

import { toSafetensors, toSafetensorsBlob } from "tosafetensors"
import { planOptions, previewOf, RenameLog } from "./plan-selection.ts"
import type { Saved, Selection, WorkProgress } from "./protocol.ts"

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
    onProgress: ({ written, total }: { written: number; total: number }) =>
      onProgress({ done: written, total }),
  }
  if (handle === undefined) {
    const { blob, report } = await toSafetensorsBlob(file, options)
    return { blob, preview: previewOf(report, log), checksums: report.checksums }
  }
  // Written beside the file that was picked, and put into its place when it is complete.
  const report = await toSafetensors(file, await handle.createWritable(), options)
  return { blob: undefined, preview: previewOf(report, log), checksums: report.checksums }
}
