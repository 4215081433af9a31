/** Copies from one file to another, by itself or by threads, and says what went wrong. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { TRUNCATED } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { CopyRequest, DirectSink, GatherRequest } from "../transfer/direct-sink.ts"
import type { CopyAnswer, CopyFailure, CopyJob, SystemFailure } from "./copy-job.ts"
import { FileSource } from "./file-source.ts"
import { readFailed } from "./system-errors.ts"
import { SMALL_WRITE_BYTES, WriteSizes } from "./write-sizes.ts"

/** What carries out a job. */
export type RunJob = (job: CopyJob) => Promise<CopyAnswer>

/**
 * Copies to one file, behind the descriptor that is passed as `to`.
 *
 * @throws `read-failed`, `truncated`; the system's error when writing has failed; what `run` rejects with.
 */
export class FileCopier {
  readonly #run: RunJob
  readonly #writeSizes = new WriteSizes()

  constructor(run: RunJob) {
    this.#run = run
  }

  /** What a sink has of a `DirectSink`. `attempt` gives failures to write their form. */
  takingOver(
    to: number,
    attempt: <Result>(work: () => Promise<Result>) => Promise<Result>,
  ): Pick<DirectSink, "drawsFrom" | "copyFrom" | "gatherFrom"> {
    return {
      drawsFrom: (source) => source instanceof FileSource,
      copyFrom: (request) => attempt(() => this.copy(request, to)),
      gatherFrom: (request) => attempt(() => this.gather(request, to)),
    }
  }

  /** As a `DirectSink` does. */
  async copy({ source, position, ranges }: CopyRequest, to: number): Promise<readonly number[]> {
    const { descriptor: from, path } = fileOf(source)
    const writes = position !== undefined
    const writeBytes = writes ? this.#writeSizes.next() : SMALL_WRITE_BYTES
    const job = { kind: "ranges", from, to, position, ranges, writeBytes } as const
    const { checksums, milliseconds } = succeeded(await this.#run(job), path)
    const byteLength = ranges.reduce((sum, { length }) => sum + length, 0)
    if (writes) this.#writeSizes.took(writeBytes, byteLength, milliseconds)
    return checksums.map((crc32 = 0) => crc32)
  }

  /** As a `DirectSink` does. */
  async gather({ extent, ...request }: GatherRequest, to: number): Promise<number | undefined> {
    const { offset, byteLength: length, source } = extent
    const { descriptor: from, path } = fileOf(source)
    const place = { from, to, offset, length, writeBytes: SMALL_WRITE_BYTES }
    const answer = await this.#run({ kind: "gather", ...place, ...request })
    return succeeded(answer, path).checksums[0]
  }
}

function fileOf(source: ByteSource): FileSource {
  if (source instanceof FileSource) return source
  throw new Error("the input is no file")
}

function succeeded(answer: CopyAnswer, inputPath: string): Exclude<CopyAnswer, CopyFailure> {
  if ("checksums" in answer) return answer
  if ("failed" in answer) throw systemError(answer.failed, inputPath)
  const { offset, length, got } = answer.short
  throw new CheckpointError(TRUNCATED, { within: inputPath, at: offset, wanted: length, got })
}

/** A failure to read is the input's, whoever reads. */
function systemError({ side, code, message }: SystemFailure, inputPath: string): Error {
  const cause = Object.assign(new Error(message), { code })
  if (side === "write") return cause
  return readFailed(inputPath, cause)
}
