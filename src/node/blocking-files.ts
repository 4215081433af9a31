/** Reads and writes files by blocking calls, for threads that have nothing else to do. */

import { readSync, writeSync } from "node:fs"
import type { CopyAnswer, CopyFailure, SystemFailure } from "./copy-job.ts"
import { NOTHING_TAKEN, systemCode } from "./system-errors.ts"

/** Ends a job: says what is answered. */
class JobFailed extends Error {
  readonly answer: CopyFailure

  constructor(answer: CopyFailure) {
    super("a copy failed")
    this.answer = answer
  }
}

/** The checksums that `work` gives and the time that it takes, or why it failed. */
export function answerOf(work: () => readonly (number | undefined)[]): CopyAnswer {
  const started = performance.now()
  try {
    return { checksums: work(), milliseconds: performance.now() - started }
  } catch (error) {
    // What the files are not to blame for is a lack of memory for what is read.
    return error instanceof JobFailed ? error.answer : { failed: failureOf("read", error) }
  }
}

/** Fills `target` with the bytes of the file from `offset`. */
export function readWhole(from: number, offset: number, target: Uint8Array): void {
  const { byteLength } = target
  for (let got = 0; got < byteLength; ) {
    const read = attempt("read", () => readSync(from, target, got, byteLength - got, offset + got))
    if (read === 0) throw new JobFailed({ short: { offset, length: byteLength, got } })
    got += read
  }
}

/** Writes all of `bytes` at `position`, at most `writeBytes` at once, and no write across a multiple of that. */
export function writeWhole(to: number, position: number, bytes: Uint8Array, writeBytes: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const at = position + done
    const length = Math.min(writeBytes - (at % writeBytes), bytes.byteLength - done)
    const taken = attempt("write", () => writeSync(to, bytes, done, length, at))
    if (taken === 0) throw new JobFailed({ failed: failureOf("write", new Error(NOTHING_TAKEN)) })
    done += taken
  }
}

function attempt(side: SystemFailure["side"], call: () => number): number {
  try {
    return call()
  } catch (error) {
    throw new JobFailed({ failed: failureOf(side, error) })
  }
}

function failureOf(side: SystemFailure["side"], error: unknown): SystemFailure {
  const message = error instanceof Error ? error.message : String(error)
  return { side, code: systemCode(error), message }
}
