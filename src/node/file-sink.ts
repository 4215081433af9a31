/**
 * A file as an output that appears whole or not at all: written beside its final name, renamed when complete.
 *
 * Without `overwrite` the last step is a hard link, which fails when the name has been taken meanwhile, where a rename
 * would replace it. No fsync, like the reference and `cp`: a killed process leaves nothing wrong under the final
 * name; after a power cut the file system decides.
 */

import type { Stats } from "node:fs"
import { type FileHandle, link, lstat, open, rename, rm, stat, statfs } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { ByteSource } from "../bytes/byte-source.ts"
import { WRITE_FAILED } from "../bytes/errors.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import type { CopyRequest, DirectSink, GatherRequest } from "../transfer/transfer-plan.ts"
import { CopyPool } from "./copy-pool.ts"
import { OUTPUT_EXISTS, OUTPUT_IS_INPUT } from "./errors.ts"
import { FileCopier } from "./file-copier.ts"
import { FileSource, writeAll } from "./file-source.ts"
import { reasonOf, systemCode } from "./system-errors.ts"
import { forgetTemporary, rememberTemporary } from "./temporary-files.ts"

/** File systems without hard links answer with one of these. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
])

/** From this size on, threads that copy are worth what starting them takes: 25 ms. */
const THREADS_FROM_BYTES = 64 * 1024 * 1024

/** Longest file name that common file systems take, in bytes. */
const NAME_BYTES = 255

interface FileSinkOptions {
  /** Whether a file under that name may be replaced. */
  readonly overwrite: boolean
  /** Files that are read: none may be the output. The first has the permissions that it gets. */
  readonly inputPaths: readonly string[]
  /**
   * Whether this thread may be blocked, some milliseconds at a time, to do part of the copying. Default false: a server
   * would not answer meanwhile.
   */
  readonly mayBlock?: boolean | undefined
  /** Called when everything has been written, before the output gets its name. What it throws refuses the output. */
  readonly beforeNaming?: ((written: FileSource) => Promise<void>) | undefined
}

/**
 * A sink for `path`. Looks at the file system and creates nothing.
 *
 * @throws `output-exists`, `output-is-input`, `write-failed` when it is a folder or its folder is not there.
 */
export async function prepareFileSink(path: string, options: FileSinkOptions): Promise<FileSink> {
  const existing = await lstat(path).catch(ignoreMissing(path))
  if (existing !== undefined) {
    if (existing.isDirectory()) throw failed(path, new Error("it is a folder"))
    for (const inputPath of options.inputPaths) {
      if (await isSameFile(path, inputPath)) throw new CheckpointError(OUTPUT_IS_INPUT, { path })
    }
    if (!existing.isFile() && !existing.isSymbolicLink())
      throw failed(path, new Error("it is not a regular file"))
    if (!options.overwrite) throw new CheckpointError(OUTPUT_EXISTS, { path })
  } else if (/[/\\]$/.test(path)) {
    throw failed(path, new Error("it names a folder"))
  }
  const folder = await stat(dirname(path)).catch((cause: unknown) => {
    throw failed(path, cause)
  })
  if (!folder.isDirectory()) throw failed(path, new Error("its folder is a file"))
  return new FileSink(path, options)
}

/** Writes in any order, several at a time. */
export class FileSink implements DirectSink {
  readonly randomAccess = true
  readonly #path: string
  readonly #options: FileSinkOptions
  #temporary: { readonly path: string; readonly handle: FileHandle } | undefined
  #copyPool: CopyPool | undefined
  #copier: FileCopier | undefined

  constructor(path: string, options: FileSinkOptions) {
    this.#path = path
    this.#options = options
  }

  /** The descriptor of the temporary file, for a process that writes it. */
  get descriptor(): number {
    return this.#handle().fd
  }

  async open(byteLength: number): Promise<void> {
    await this.requireSpace(byteLength)
    // The name holds part of the final one, so that somebody who finds it after a power cut knows what it is.
    // It is opened exclusively, so it need be no secret, only unlikely to be taken: node:crypto takes 10 ms to load.
    const suffix = `.${process.pid.toString(36)}-${Math.random().toString(36).slice(2, 12)}.tmp`
    const stem = Buffer.from(basename(this.#path)).subarray(0, NAME_BYTES - suffix.length - 1)
    const path = join(dirname(this.#path), `.${stem.toString("utf8").replace(/\ufffd$/, "")}${suffix}`)
    await this.#attempt(async () => {
      this.#temporary = { path, handle: await open(path, "wx+", PRIVATE_MODE) }
      rememberTemporary(path)
    })
    if (byteLength >= THREADS_FROM_BYTES) await this.#startCopying()
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    return this.#attempt(() => writeAll(this.#handle(), position, bytes))
  }

  drawsFrom(source: ByteSource): boolean {
    return this.#copier !== undefined && source instanceof FileSource
  }

  copyFrom(request: CopyRequest): Promise<readonly number[]> {
    return this.#attempt(async () => this.#copying().copy(request, this.#handle().fd))
  }

  gatherFrom(request: GatherRequest): Promise<number | undefined> {
    return this.#attempt(async () => this.#copying().gather(request, this.#handle().fd))
  }

  async close(): Promise<void> {
    const { path, handle } = this.#opened()
    await this.#copyPool?.close()
    const { beforeNaming, overwrite, inputPaths } = this.#options
    if (beforeNaming !== undefined) {
      await beforeNaming(new FileSource(handle, path, await this.#status(handle)))
    }
    const mode = await outputMode(this.#path, { overwrite, inputPath: inputPaths[0] })
    // Some file systems have no modes. Then it stays as it was made, which lets nobody else in.
    if (mode !== undefined) await handle.chmod(mode).catch(() => {})
    await this.#attempt(async () => {
      await handle.close()
      if (this.#options.overwrite) await rename(path, this.#path).then(() => forgetTemporary(path))
      else await this.#renameToFreeName(path)
      this.#temporary = undefined
    })
  }

  async abort(): Promise<void> {
    const temporary = this.#temporary
    if (temporary === undefined) return
    this.#temporary = undefined
    // Threads first: a descriptor that was closed under them could by then belong to another file.
    await this.#copyPool?.close()
    await temporary.handle.close().catch(() => {})
    await rm(temporary.path, { force: true })
    forgetTemporary(temporary.path)
  }

  async #startCopying(): Promise<void> {
    const pool = await CopyPool.start({ mayBlock: this.#options.mayBlock === true })
    this.#copyPool = pool
    if (pool !== undefined) this.#copier = new FileCopier((job) => pool.run(job))
  }

  async #renameToFreeName(temporary: string): Promise<void> {
    try {
      await link(temporary, this.#path)
    } catch (error) {
      if (systemCode(error) === "EEXIST") throw new CheckpointError(OUTPUT_EXISTS, { path: this.#path })
      if (!NO_LINKS.has(systemCode(error))) throw error
      if ((await lstat(this.#path).catch(ignoreMissing(this.#path))) !== undefined) {
        throw new CheckpointError(OUTPUT_EXISTS, { path: this.#path })
      }
      await rename(temporary, this.#path)
      forgetTemporary(temporary)
      return
    }
    // The output stands, whole: that its second name could not be removed is no failure to write it. It is tried once
    // more when the process ends.
    await rm(temporary).then(
      () => forgetTemporary(temporary),
      () => {},
    )
  }

  /**
   * Better before the first byte than after the last that fits.
   *
   * @throws `write-failed` when the disk has less room than `byteLength`.
   */
  async requireSpace(byteLength: number): Promise<void> {
    const space = await statfs(dirname(this.#path)).catch(() => undefined)
    const free = space === undefined ? Number.POSITIVE_INFINITY : space.bavail * space.bsize
    // Some network and virtual file systems answer 0 and take the bytes all the same.
    if (free === 0 || byteLength <= free) return
    const reason = `the output takes ${byteLength} bytes and ${free} are free (ENOSPC)`
    throw new CheckpointError(WRITE_FAILED, { path: this.#path, reason })
  }

  #status(handle: FileHandle): Promise<Stats> {
    return handle.stat().catch((cause: unknown) => {
      throw failed(this.#path, cause)
    })
  }

  #copying(): FileCopier {
    if (this.#copier !== undefined) return this.#copier
    throw failed(this.#path, new Error("nothing is copied without threads"))
  }

  #opened(): { readonly path: string; readonly handle: FileHandle } {
    if (this.#temporary !== undefined) return this.#temporary
    throw failed(this.#path, new Error("the output is not open"))
  }

  #handle(): FileHandle {
    return this.#opened().handle
  }

  async #attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (cause) {
      throw isCheckpointError(cause) ? cause : failed(this.#path, cause)
    }
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [statA, statB] = await Promise.all([
    stat(a, { bigint: true }).catch(() => undefined),
    stat(b, { bigint: true }).catch(() => undefined),
  ])
  return statA !== undefined && statB !== undefined && statA.dev === statB.dev && statA.ino === statB.ino
}

function ignoreMissing(path: string): (cause: unknown) => undefined {
  return (cause) => {
    if (systemCode(cause) === "ENOENT") return undefined
    throw failed(path, cause)
  }
}

function failed(path: string, cause: unknown): CheckpointError {
  return new CheckpointError(WRITE_FAILED, { path, reason: reasonOf(cause) }, { cause })
}

// Who may read and write what is written: nobody who could not read what it was made from.

/** Of a file that is not finished: its user's alone. */
const PRIVATE_MODE = 0o600

/** Reading and writing. An output is nothing to execute. */
const READ_WRITE = 0o666

/** What the mode of an output follows from. */
interface ModeFacts {
  /** Whether a file under its name may be replaced. */
  readonly overwrite: boolean
  /** The file that is read, when it is one. */
  readonly inputPath: string | undefined
}

/**
 * The mode for the output `path`: what the process's mask leaves, what a file that it takes the place of has, and not
 * more than the input has. Undefined on Windows, where a file takes its rights from its folder.
 */
async function outputMode(path: string, { overwrite, inputPath }: ModeFacts): Promise<number | undefined> {
  if (process.platform === "win32") return undefined
  const [replaced, input] = await Promise.all([
    overwrite ? modeOf(path) : undefined,
    // One that is gone by now can no longer tell.
    inputPath === undefined ? READ_WRITE : modeOf(inputPath).then((mode) => mode ?? PRIVATE_MODE),
  ])
  return (replaced ?? READ_WRITE & ~processMask()) & input & READ_WRITE
}

/** Deno tells it to those alone who pass `--allow-sys=umask`: without that the file is its user's. */
function processMask(): number {
  try {
    return process.umask()
  } catch {
    return ~PRIVATE_MODE
  }
}

/** Undefined when it is not there. */
async function modeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mode }) => mode,
    () => undefined,
  )
}
