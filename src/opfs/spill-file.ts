/**
 * Spills to a file of the origin private file system. Written by `createWritable`, which pages and workers have alike:
 * Chromium from 86, Firefox from 111, Safari from 26. Safari before that writes by synchronous handles alone, in workers
 * alone, and is told to do without.
 */

import type { Spill, SpillRequest } from "../bytes/byte-sink.ts"
import { makeSpillEntry, type SpillEntry } from "./spill-folder.ts"

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
