/** Files that another process has opened and handed to this one by their descriptors. They stay open until it ends. */

import { setImmediate } from "node:timers/promises"
import { WRITE_FAILED } from "../bytes/errors.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import type { DirectSink } from "../transfer/transfer-plan.ts"
import { runCopyJob } from "./copy-job.ts"
import { FileCopier } from "./file-copier.ts"
import { FileSource, type FileStatus, inheritedFile, writeAll } from "./file-source.ts"
import { reasonOf } from "./system-errors.ts"

/** The file behind `descriptor`, called `path` in messages. */
export function inheritedSource(descriptor: number, path: string, status: FileStatus): FileSource {
  return new FileSource(inheritedFile(descriptor), path, status)
}

/** What whoever has opened the file does for this process. */
export interface InheritedSinkOptions {
  readonly requireSpace: (byteLength: number) => Promise<void>
  /** Gives the file its name when all is written, or removes it if that never happens. */
  readonly name: () => Promise<void>
  readonly beforeNaming?: ((written: FileSource) => Promise<void>) | undefined
}

/** Writes the file behind `descriptor`. Copies block this thread, which has nothing else to do. */
export function inheritedSink(
  descriptor: number,
  path: string,
  { requireSpace, name, beforeNaming }: InheritedSinkOptions,
): DirectSink {
  const file = inheritedFile(descriptor)
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (cause) {
      if (isCheckpointError(cause)) throw cause
      throw new CheckpointError(WRITE_FAILED, { path, reason: reasonOf(cause) }, { cause })
    }
  }
  const copier = new FileCopier(async (job) => {
    // Or the end of whoever started this process would go unnoticed.
    await setImmediate()
    return runCopyJob(job)
  })
  return {
    randomAccess: true,
    open: requireSpace,
    write: (position, bytes) => attempt(() => writeAll(file, position, bytes)),
    // An isolated process has no threads, and nothing else to do while it copies.
    ...copier.takingOver(descriptor, attempt),
    close: async () => {
      if (beforeNaming !== undefined) await beforeNaming(new FileSource(file, path, await file.stat()))
      await name()
    },
    abort: async () => {},
  }
}
