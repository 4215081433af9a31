/** Saves several files, one after the other, into a folder or the downloads; and an index for those that are shards. */

import { distinctNames, indexName, indexText, shardSets, type WrittenShard } from "./model/shards.ts"
import { download, newFileIn, outputName } from "./save-target.ts"
import type { FileView } from "./view/file-view.ts"

/** Between two downloads: browsers pass over some that come at once. Milliseconds. */
const DOWNLOAD_PAUSE = 300

export interface SaveAllWork {
  /** Ends the file that is being saved, and those behind it. */
  readonly stopping: AbortController
  /** A file is begun; counted from 1. */
  readonly onFile: (number: number, view: FileView) => void
}

export interface AllSaved {
  readonly saved: readonly FileView[]
  /** Names that the folder has already. */
  readonly inTheWay: readonly string[]
  /** Files that were not saved. Those that are still open say why. */
  readonly failed: readonly FileView[]
  readonly indexes: readonly string[]
}

/** @throws what a folder throws that may not be written to. */
export async function saveAll(
  views: readonly FileView[],
  folder: FileSystemDirectoryHandle | "download",
  { stopping, onFile }: SaveAllWork,
): Promise<AllSaved> {
  const names = distinctNames(views.map(({ file }) => outputName(file.name)))
  const written = new Map<FileView, WrittenShard>()
  const inTheWay: string[] = []
  const failed: FileView[] = []
  for (const [index, view] of views.entries()) {
    if (stopping.signal.aborted) break
    const fileName = names[index] ?? ""
    // Asked before, because what is chosen may change meanwhile. A file may have been closed, or be saved by itself.
    const tensors = await view.written().catch(() => undefined)
    if (tensors === undefined || view.panel?.canSave !== true) {
      failed.push(view)
      continue
    }
    const handle = folder === "download" ? undefined : await newFileIn(folder, fileName)
    if (folder !== "download" && handle === undefined) {
      inTheWay.push(fileName)
      continue
    }
    onFile(index + 1, view)
    const outcome = await view.panel.save({ name: fileName, handle }, stopping)
    if (outcome.kind === "saved") written.set(view, { fileName, ...tensors })
    else if (outcome.kind === "failed") failed.push(view)
    if (folder === "download") await new Promise((resolve) => setTimeout(resolve, DOWNLOAD_PAUSE))
  }
  const indexes = await writeIndexes(written, folder, inTheWay)
  return { saved: [...written.keys()], inTheWay, failed, indexes }
}

/** Of the sets that have been written as a whole. */
async function writeIndexes(
  written: ReadonlyMap<FileView, WrittenShard>,
  folder: FileSystemDirectoryHandle | "download",
  inTheWay: string[],
): Promise<readonly string[]> {
  const made: string[] = []
  for (const { stem, shards, missing } of shardSets([...written.keys()], ({ file }) => file.name)) {
    if (missing.length > 0) continue
    const name = indexName(stem)
    const text = indexText(shards.flatMap((view) => written.get(view) ?? []))
    if (folder === "download") download(new Blob([text]), name)
    else {
      const handle = await newFileIn(folder, name)
      if (handle === undefined) {
        inTheWay.push(name)
        continue
      }
      const writable = await handle.createWritable()
      await writable.write(text)
      await writable.close()
    }
    made.push(name)
  }
  return made
}
