/** Copies from one file to another, by itself or by threads, and says what went wrong. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { TRUNCATED } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { CopyRequest, DirectSink, GatherRequest } from "../transfer/transfer-plan.ts"
import {
  type CopyAnswer,
  type CopyFailure,
  type CopyJob,
  MOST_WRITE_BYTES,
  type SystemFailure,
} from "./copy-job.ts"
import { FileSource } from "./file-source.ts"
import { readFailed } from "./system-errors.ts"

/** What carries out a job. */
type RunJob = (job: CopyJob) => Promise<CopyAnswer>

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

// How much of a large output is written at once: what has just been measured to be faster.
//
// The system keeps what is written in pages of its memory, larger ones for larger writes. Large pages save it a third of
// its work, unless it has to fetch them first: from the host of a virtual machine, which took them back while they were
// free. Then they cost six times as much, and small writes, which it serves from pages that it still has, cost half as
// much again as they do otherwise. Both states are common, and nothing but trying tells them apart: see
// docs/performance.md.

/** Seldom the fastest, and never far from it. */
const SMALL_WRITE_BYTES: number = 32 * 1024

/** Jobs from one trial of large writes to the next: 512 MiB. */
const JOBS_A_TRIAL = 64

/** The first so many jobs of a trial write little at once, to know what that takes. */
const SMALL_JOBS = 2

/** Then so many write much, before it is known what that takes. */
const LARGE_JOBS = 2

/** Chooses for one output. */
export class WriteSizes {
  #job = 0
  /** Milliseconds a byte, of the small jobs of this trial that took longest. */
  #smallTakes = 0
  #largeJobs = 0
  #largeIsSlow = false

  /** The bytes that the next job should write at once. */
  next(): number {
    const job = this.#job++ % JOBS_A_TRIAL
    if (job === 0) {
      this.#smallTakes = 0
      this.#largeJobs = 0
      this.#largeIsSlow = false
    }
    if (job < SMALL_JOBS || this.#largeIsSlow) return SMALL_WRITE_BYTES
    const untried = this.#largeJobs === 0
    return untried && job >= SMALL_JOBS + LARGE_JOBS ? SMALL_WRITE_BYTES : MOST_WRITE_BYTES
  }

  /** Takes note of a job of `bytes` that wrote `writeBytes` at once. */
  took(writeBytes: number, bytes: number, milliseconds: number): void {
    const each = milliseconds / bytes
    if (writeBytes === SMALL_WRITE_BYTES) {
      if (!this.#largeIsSlow) this.#smallTakes = Math.max(this.#smallTakes, each)
      return
    }
    this.#largeJobs += 1
    if (each > this.#smallTakes) this.#largeIsSlow = true
  }
}
