/** Copies ranges from one file to another, by itself or by threads, and says what went wrong. */

import type { CopyRequest } from "../bytes/byte-sink.ts"
import { CheckpointError } from "../errors.ts"
import type { CopyAnswer, CopyFailure, CopyJob } from "./copy-job.ts"
import type { FileSource } from "./file-source.ts"
import { reasonOf } from "./system-errors.ts"
import { WriteSizes } from "./write-sizes.ts"

/** What carries out a job. */
export type RunJob = (job: CopyJob) => Promise<CopyAnswer>

/** Copies to one file. */
export class FileCopier {
  readonly #run: RunJob
  readonly #writeSizes = new WriteSizes()

  constructor(run: RunJob) {
    this.#run = run
  }

  /**
   * Copies ranges of `source` to the file behind the descriptor `to`. Resolves to the CRC-32 of each.
   *
   * @throws `read-failed`, `truncated`; the system's error when writing has failed; what `run` rejects with.
   */
  async copy(
    source: FileSource,
    to: number,
    { position, ranges }: Omit<CopyRequest, "source">,
  ): Promise<readonly number[]> {
    const writeBytes = this.#writeSizes.next()
    const answer = await this.#run({ from: source.descriptor, to, position, ranges, writeBytes })
    if (!("checksums" in answer)) throw failureOf(answer, source.path)
    const byteLength = ranges.reduce((sum, { length }) => sum + length, 0)
    this.#writeSizes.took(writeBytes, byteLength, answer.milliseconds)
    return answer.checksums
  }
}

function failureOf(answer: Exclude<CopyAnswer, { readonly checksums: unknown }>, inputPath: string): Error {
  if ("failed" in answer) return copyFailure(answer.failed, inputPath)
  const { range, got } = answer.short
  return new CheckpointError("truncated", { within: inputPath, at: range.offset, wanted: range.length, got })
}

/** A failure to read is the input's, whoever reads. */
function copyFailure({ side, code, message }: CopyFailure, inputPath: string): Error {
  const cause = Object.assign(new Error(message), { code })
  if (side === "write") return cause
  return new CheckpointError("read-failed", { path: inputPath, reason: reasonOf(cause) }, { cause })
}
