/** Where a conversion writes: a file, standard output, or in an isolated process what that was handed. */

import { setImmediate } from "node:timers/promises"
import { WRITE_FAILED } from "../bytes/errors.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import { FileCopier } from "../node/file-copier.ts"
import { FileSource } from "../node/file-source.ts"
import type { ByteSink } from "../node/index.ts"
import { inheritedFile, writeAll } from "../node/open-file.ts"
import type { NodeOutputRequest } from "../node/platform.ts"
import { openNodeOutput } from "../node/platform.ts"
import { runCopyJob } from "../node/run-copy-job.ts"
import { writeFailed } from "../node/system-errors.ts"
import { type HandedFiles, type HandedRequest, receivedError } from "./handed-files.ts"
import { STANDARD_STREAM } from "./input.ts"
import { streamSink } from "./stream-sink.ts"
import type { Terminal } from "./terminal.ts"

/** Looks at where the output goes, and creates nothing. */
export async function openOutput(
  output: string,
  request: NodeOutputRequest,
  { stdout, handed }: Terminal,
): Promise<ByteSink> {
  if (output === STANDARD_STREAM) return streamSink(stdout)
  // A command has nothing else to do.
  if (handed === undefined) return openNodeOutput(output, { ...request, mayBlock: true })
  return handedSink(output, handed, request)
}

/** Writes the file that it was handed. Whoever has opened it also gives it its name, or removes it. */
function handedSink(
  path: string,
  { output, ask }: HandedFiles,
  { beforeNaming }: NodeOutputRequest,
): ByteSink {
  if (output === undefined) {
    throw new CheckpointError(WRITE_FAILED, { path, reason: "this process was not handed it" })
  }
  if (typeof output !== "number") throw receivedError(output)
  const file = inheritedFile(output)
  const require = async (request: HandedRequest): Promise<void> => {
    const answer = await ask(request)
    if (answer !== "done") throw receivedError(answer)
  }
  const attempt = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (cause) {
      if (isCheckpointError(cause)) throw cause
      throw writeFailed(path, cause)
    }
  }
  const copier = new FileCopier(async (job) => {
    // Or the end of whoever started this process would go unnoticed.
    await setImmediate()
    return runCopyJob(job)
  })
  return {
    randomAccess: true,
    open: (byteLength) => require({ ask: "space", byteLength }),
    write: (position, bytes) => attempt(() => writeAll(file, position, bytes)),
    // An isolated process has no threads, and nothing else to do while it copies.
    ...copier.takingOver(output, attempt),
    close: async () => {
      if (beforeNaming !== undefined) await beforeNaming(new FileSource(file, path, await file.stat()))
      await require({ ask: "name" })
    },
    abort: async () => {},
  }
}
