/**
 * The folder of the origin private file system that holds what conversions spill: one file for each, under a lock (Web
 * Locks) of the page or worker that made it. The lock ends with it, however it ends, and tells which files are left over.
 *
 * A File of this file system cannot be read any more once its entry is removed (Chromium 156: NotFoundError), so a file
 * stays while its Blob is used, or until its maker is gone.
 */

/** What stands in the file system's root, and how the names of the locks begin. */
const FOLDER = "tosafetensors-spill"

/**
 * What was made within this time stays though its maker is gone: a worker may hand its Blob to the page and end.
 * Milliseconds.
 */
const LEFT_ALONE_MS = 60 * 60_000

/** A file that nobody else removes. */
export interface SpillEntry {
  readonly handle: FileSystemFileHandle
  /** Removes it, if that is possible, and gives up the lock. */
  remove(): Promise<void>
}

/** Makes a file, after what is left over of earlier ones has been removed. @throws what the platform throws. */
export async function makeSpillEntry(): Promise<SpillEntry> {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle(FOLDER, { create: true })
  await removeLeftOver(folder)
  const name = `${Date.now()}-${crypto.randomUUID()}`
  // First the lock, then the file: without one it would be left over.
  const unlock = await lock(name)
  const remove = async (): Promise<void> => {
    await folder.removeEntry(name).catch(() => {})
    unlock()
  }
  try {
    return { handle: await folder.getFileHandle(name, { create: true }), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Takes a lock for as long as nobody calls what this resolves to. */
function lock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(`${FOLDER}/${name}`, () => new Promise<void>((unlock) => resolve(unlock)))
      .catch(reject)
  })
}

async function removeLeftOver(folder: FileSystemDirectoryHandle): Promise<void> {
  const names: string[] = []
  for await (const name of folder.keys()) names.push(name)
  for (const name of names) {
    // Names begin with the time. Of any other it is not known what it is.
    if (!(Date.now() - Number.parseInt(name, 10) > LEFT_ALONE_MS)) continue
    await navigator.locks.request(`${FOLDER}/${name}`, { ifAvailable: true }, async (held) => {
      // What cannot be removed now is tried again the next time.
      if (held !== null) await folder.removeEntry(name).catch(() => {})
    })
  }
}
