/**
 * How much of a large output is written at once: what has just been measured to be faster.
 *
 * The system keeps what is written in pages of its memory, larger ones for larger writes. Large pages save it a third of
 * its work, unless it has to fetch them first: from the host of a virtual machine, which took them back while they were
 * free. Then they cost six times as much, and small writes, which it serves from pages that it still has, cost half as
 * much again as they do otherwise. Both states are common, and nothing but trying tells them apart: see
 * docs/performance.md.
 */

/** Seldom the fastest, and never far from it. */
export const SMALL_WRITE_BYTES: number = 32 * 1024

/** The larger size, which the smaller one divides. */
export const MOST_WRITE_BYTES: number = 128 * 1024

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
