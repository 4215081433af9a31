/** Temporary files: what a stream is taken into, and how none of them outlives the process. */

import type { Hash } from "node:crypto"
import { rmSync } from "node:fs"
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { OpenedInput } from "../api/inputs.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { FileSource } from "./file-source.ts"
import { readFailed, writeFailed } from "./system-errors.ts"

interface SpoolOptions {
  readonly signal: AbortSignal | undefined
  /** Whether the source is to know its SHA-256, taken as the bytes pass. */
  readonly hashed: boolean
}

/**
 * A source over what `stream` yields, taken in whole: a checkpoint's directory stands at its end. The file has no name
 * (where the system allows that), so that nothing of it outlives the process, however that ends; otherwise it is gone
 * when the input is closed.
 *
 * @throws `read-failed` when the stream fails, `write-failed` when the temporary file does.
 */
export async function spoolStream(
  stream: ReadableStream<Uint8Array>,
  { signal, hashed }: SpoolOptions,
): Promise<OpenedInput> {
  const { handle, path, remove } = await openTemporaryFile()
  try {
    const hash = hashed ? (await import("node:crypto")).createHash("sha256") : undefined
    await writeAll(stream, { handle, path, signal, hash })
    const status = await handle.stat().catch((cause: unknown) => {
      throw writeFailed(path, cause)
    })
    const source = new FileSource(handle, path, status, hash?.digest("hex"))
    return { source, close: () => source.close().finally(remove) }
  } catch (error) {
    // What went wrong first is what gets reported.
    await handle.close().catch(() => {})
    await remove()
    throw error
  }
}

interface TemporaryFile {
  readonly handle: FileHandle
  /** Where it was made, for messages. */
  readonly path: string
  readonly remove: () => Promise<void>
}

/** In a folder of its own, which only this user can enter. */
async function openTemporaryFile(): Promise<TemporaryFile> {
  let parent: string | undefined
  let folder: string | undefined
  try {
    // Deno may not give leave to ask.
    parent = tmpdir()
    folder = await mkdtemp(join(parent, "tosafetensors-"))
    const made = folder
    rememberTemporary(made)
    const path = join(made, "input")
    const handle = await open(path, "wx+", 0o600)
    const remove = (): Promise<void> => removeFolder(made)
    // An open file can be removed on POSIX and lives on until it is closed. Elsewhere `remove` comes again later.
    await remove()
    return { handle, path, remove }
  } catch (cause) {
    if (folder !== undefined) await removeFolder(folder)
    throw writeFailed(parent, cause)
  }
}

/** Never fails: what cannot be removed now is tried once more when the process ends. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).then(
    () => forgetTemporary(folder),
    () => {},
  )
}

interface SpoolTarget {
  readonly handle: FileHandle
  readonly path: string
  readonly signal: AbortSignal | undefined
  readonly hash: Hash | undefined
}

async function writeAll(
  stream: ReadableStream<Uint8Array>,
  { handle, path, signal, hash }: SpoolTarget,
): Promise<void> {
  const reader = lock(stream)
  // A stream may say nothing for hours: cancelling it is what ends the wait.
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {})
  signal?.addEventListener("abort", cancel)
  try {
    signal?.throwIfAborted()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      signal?.throwIfAborted()
      const chunk: unknown = next.value
      if (!(chunk instanceof Uint8Array)) throw new Error("the stream yields something that is not bytes")
      const appended = handle.appendFile(chunk)
      hash?.update(chunk)
      await appended.catch((cause: unknown) => {
        throw writeFailed(path, cause)
      })
    }
    signal?.throwIfAborted()
  } catch (cause) {
    // Not waited for: a stream need not answer, and what went wrong is known.
    reader.cancel(cause).catch(() => {})
    signal?.throwIfAborted()
    throw isCheckpointError(cause) ? cause : readFailed(undefined, cause)
  } finally {
    signal?.removeEventListener("abort", cancel)
    reader.releaseLock()
  }
}

function lock(stream: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<Uint8Array> {
  try {
    return stream.getReader()
  } catch (cause) {
    throw readFailed(undefined, cause)
  }
}

// Temporary files and folders that must not outlive the process. Whoever makes one removes it; this is for a process
// that ends first: `process.exit` in the caller's code, an exception that nobody catches, a second Ctrl-C.

/** Of this process, which is what ends. As they were given, and as they are found from any working folder. */
const paths = new Map<string, string>()

/** Has `path` removed if the process ends before `forgetTemporary` is called. */
export function rememberTemporary(path: string): void {
  if (paths.size === 0) process.on("exit", removeAll)
  paths.set(path, resolve(path))
}

/** `path` has been removed, or got its final name. */
export function forgetTemporary(path: string): void {
  paths.delete(path)
  if (paths.size === 0) process.off("exit", removeAll)
}

function removeAll(): void {
  for (const path of paths.values()) {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch {
      // The process ends, and there is nobody left to tell.
    }
  }
}
