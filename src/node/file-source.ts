/**
 * A file as a source: positional reads through one handle, and a last look at whether it stayed the same. A folder as a
 * store of such sources.
 */

import { fstat, read, type Stats, write } from "node:fs"
import { constants, type FileHandle, open, readdir, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { ByteSource } from "../bytes/byte-source.ts"
import { INPUT_CHANGED } from "../bytes/errors.ts"
import { isNameBelow, openingStore, type SourceStore } from "../bytes/source-store.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { NOTHING_TAKEN, readFailed, systemCode } from "./system-errors.ts"

/** Opening a named pipe would otherwise wait, for ever, until somebody writes to it. Windows has no such flag. */
const READ_WITHOUT_WAITING: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Opens the regular file at `path`.
 *
 * Not through `fs.openAsBlob`: in Node 20 it takes a file's size modulo 2^32.
 *
 * @throws `read-failed` when it is not there, not a regular file, or not readable.
 */
export async function openFileSource(path: string): Promise<FileSource> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, READ_WITHOUT_WAITING)
    const found = await handle.stat()
    if (found.isDirectory()) throw new Error("it is a folder")
    if (!found.isFile()) throw new Error("it is not a regular file: pass it as a stream")
    return new FileSource(handle, path, found)
  } catch (cause) {
    await handle?.close().catch(() => {})
    throw readFailed(path, cause)
  }
}

/** What of a file's status tells that it is still the same. */
export type FileStatus = Pick<Stats, "size" | "mtimeMs" | "ctimeMs">

/** An open file. */
export class FileSource implements ByteSource {
  readonly byteLength: number
  /** What was hashed while it was written, in lower-case hex. */
  readonly sha256: string | undefined
  readonly #handle: OpenFile
  readonly #path: string
  readonly #status: FileStatus
  #watchesStatus = false

  constructor(handle: OpenFile, path: string, status: FileStatus, sha256?: string) {
    this.#handle = handle
    this.#path = path
    this.#status = status
    this.byteLength = status.size
    this.sha256 = sha256
  }

  /** The descriptor, for threads that read the file on their own. */
  get descriptor(): number {
    return this.#handle.fd
  }

  get path(): string {
    return this.#path
  }

  /** As it was when the file was opened. */
  get status(): FileStatus {
    return this.#status
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const got = await this.readInto(offset + filled, bytes.subarray(filled))
      if (got === 0) break
      filled += got
    }
    return bytes.subarray(0, filled)
  }

  async readInto(offset: number, target: Uint8Array): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(target, 0, target.byteLength, offset)
      return bytesRead
    } catch (cause) {
      throw readFailed(this.#path, cause)
    }
  }

  /**
   * From now on a change of the file's status is a change of the file. Whoever may write to it can set the time of the
   * last write back; nobody can set back the time of the last change of its status. Without this a file may be renamed
   * or removed while it is read. On Windows that time means less.
   */
  watchStatus(): void {
    this.#watchesStatus = process.platform !== "win32"
  }

  async assertUnchanged(): Promise<void> {
    const { size, mtimeMs, ctimeMs } = await this.#handle.stat().catch((cause: unknown) => {
      throw readFailed(this.#path, cause)
    })
    const before = this.#status
    const sameStatus = !this.#watchesStatus || ctimeMs === before.ctimeMs
    if (size === before.size && mtimeMs === before.mtimeMs && sameStatus) return
    const problem =
      size !== before.size
        ? `the file had ${before.size} bytes and has ${size} now`
        : mtimeMs !== before.mtimeMs
          ? "the file was written to while it was read"
          : "the file was written to, renamed, removed or given other rights while it was read"
    throw new CheckpointError(INPUT_CHANGED, { within: this.#path, problem })
  }

  /** Never fails: all that was wanted has been read, and nothing was written that could be lost. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => {})
  }
}

// An open file by its descriptor: what a `FileHandle` can do, also for one that another process has opened.

/** What reading and writing at positions needs. A `FileHandle` has all of it. */
interface OpenFile {
  readonly fd: number
  read(
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>
  stat(): Promise<Stats>
  close(): Promise<void>
}

/** Written at once. Larger writes can be far slower: see file-copier.ts. */
const WRITE_BYTES = 64 * 1024

/** Writes all of `bytes` at `position`, however many the system takes at a time. */
export async function writeAll(
  file: Pick<FileHandle, "write"> | OpenFile,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const room = WRITE_BYTES - ((position + done) % WRITE_BYTES)
    const length = Math.min(room, bytes.byteLength - done)
    const { bytesWritten } = await file.write(bytes, done, length, position + done)
    if (bytesWritten === 0) throw new Error(NOTHING_TAKEN)
    done += bytesWritten
  }
}

/** The file behind a descriptor that this process was started with. It stays open until the process ends. */
export function inheritedFile(fd: number): OpenFile {
  return {
    fd,
    read: (target, offset, length, position) =>
      new Promise((resolve, reject) => {
        read(fd, target, offset, length, position, (error, bytesRead) => {
          if (error === null) resolve({ bytesRead })
          else reject(error)
        })
      }),
    write: (bytes, offset, length, position) =>
      new Promise((resolve, reject) => {
        write(fd, bytes, offset, length, position, (error, bytesWritten) => {
          if (error === null) resolve({ bytesWritten })
          else reject(error)
        })
      }),
    stat: () =>
      new Promise((resolve, reject) => {
        fstat(fd, (error, stats) => {
          if (error === null) resolve(stats)
          else reject(error)
        })
      }),
    close: async () => {},
  }
}

/** What the system says of a name that nothing has, or nothing can have. */
const ABSENT: readonly (string | undefined)[] = ["ENOENT", "ENOTDIR", "ENAMETOOLONG"]

/**
 * The folder of `path`. Names in files lead nowhere but below it. Symbolic links in it are followed: they are the doing of
 * whoever owns the folder (the Hub's cache is made of them), and no file can make one.
 */
export function folderStore(path: string): SourceStore {
  const folder = dirname(path)
  const name = basename(path)
  const store = openingStore(name, async (each) => {
    if (each === name) return openFileSource(path)
    if (!isNameBelow(each) || (await isAbsent(join(folder, each)))) return undefined
    return openFileSource(join(folder, each))
  })
  // Of folders in it only the files can be opened, by their names.
  const names = async (): Promise<readonly string[]> =>
    (await readdir(folder, { withFileTypes: true }))
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  return { ...store, names }
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    return ABSENT.includes(systemCode(error))
  }
}
