/**
 * Spills to a file of the origin private file system. Written by `createWritable`, which pages and workers have alike:
 * Chromium from 86, Firefox from 111, Safari from 26. Safari before that writes by synchronous handles alone, in workers
 * alone, and is told to do without.
 */

import type { Spill, SpillRequest } from "../bytes/byte-sink.ts"

/** @throws `blob-memory` where the browser has no such file system, or gives no access to it. */
export async function openSpillFile(request: SpillRequest): Promise<Spill> {
  const missing = whatIsMissing()
  if (missing !== undefined) throw request.refuse(missing)
  const entry = await makeSpillEntry().catch((cause: unknown) => {
    throw request.refuse(String(cause), cause)
  })
  try {
    return new SpillFile(request, entry, await entry.handle.createWritable())
  } catch (cause) {
    await entry.remove()
    throw request.refuse(String(cause), cause)
  }
}

function whatIsMissing(): string | undefined {
  const { navigator, FileSystemFileHandle } = globalThis as Partial<typeof globalThis>
  const hasFiles = typeof navigator?.storage?.getDirectory === "function"
  if (!hasFiles || navigator.locks === undefined) {
    return "there is no origin private file system here (browsers give one to pages of https:)"
  }
  if (typeof FileSystemFileHandle?.prototype.createWritable === "function") return undefined
  return "this browser cannot write to its origin private file system by createWritable (Safari can from 26 on)"
}

class SpillFile implements Spill {
  readonly randomAccess = false
  blob: Blob = new Blob()
  readonly #request: SpillRequest
  readonly #entry: SpillEntry
  readonly #writable: FileSystemWritableFileStream

  constructor(request: SpillRequest, entry: SpillEntry, writable: FileSystemWritableFileStream) {
    this.#request = request
    this.#entry = entry
    this.#writable = writable
  }

  /** Takes all the room at once: what there is too little of is known before anything is made. */
  open(byteLength: number): Promise<void> {
    return this.#try(() => this.#writable.truncate(byteLength))
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    const data = bytes as Uint8Array<ArrayBuffer>
    return this.#try(() => this.#writable.write({ type: "write", position, data }))
  }

  close(): Promise<void> {
    return this.#try(async () => {
      await this.#writable.close()
      this.blob = await this.#entry.handle.getFile()
    })
  }

  /** The entry of a file that is being written to cannot be removed. */
  async abort(reason: unknown): Promise<void> {
    await this.#writable.abort(reason).catch(() => {})
    await this.remove()
  }

  remove(): Promise<void> {
    return this.#entry.remove()
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      throw this.#request.refuse(String(cause), cause)
    }
  }
}

// The folder of the origin private file system that holds what conversions spill: one file for each, under a lock (Web
// Locks) of the page or worker that made it. The lock ends with it, however it ends, and tells which files are left over.
//
// A File of this file system cannot be read any more once its entry is removed (Chromium 156: NotFoundError), so a file
// stays while its Blob is used, or until its maker is gone.

/** What stands in the file system's root, and how the names of the locks begin. */
const FOLDER = "tosafetensors-spill"

/**
 * What was made within this time stays though its maker is gone: a worker may hand its Blob to the page and end.
 * Milliseconds.
 */
const LEFT_ALONE_MS = 60 * 60_000

/** A file that nobody else removes. */
interface SpillEntry {
  readonly handle: FileSystemFileHandle
  /** Removes it, if that is possible, and gives up the lock. */
  remove(): Promise<void>
}

/** Makes a file, after what is left over of earlier ones has been removed. @throws what the platform throws. */
async function makeSpillEntry(): Promise<SpillEntry> {
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
