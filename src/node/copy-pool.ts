/**
 * Threads that copy from file to file, for outputs large enough to be worth starting them: two of their own, or one
 * beside the caller's where that has nothing else to do.
 */

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Worker } from "node:worker_threads"
import { type CopyAnswer, type CopyJob, runCopyJob } from "./copy-job.ts"

/** Two keep the disk cache busy: writes to one file take turns in the kernel, so more only wait. */
const THREADS = 2

/** Jobs that a thread has at a time: the next one is there when it ends one. */
const JOBS_A_THREAD = 2

interface Waiting {
  readonly job: CopyJob
  readonly resolve: (answer: CopyAnswer) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  /** What it has been given, oldest first. It answers in this order. */
  readonly given: Waiting[]
}

/** Runs copy jobs on threads. */
export class CopyPool {
  readonly #workers: readonly Worker[]
  /** Those that have started. */
  readonly #threads: Thread[] = []
  readonly #waiting: Waiting[] = []
  /** Whether jobs are run on this thread too. */
  readonly #runsHere: boolean
  /** Set when a job is about to be run here. */
  #here: NodeJS.Immediate | undefined
  /** Set when a thread has gone, or the pool is closed: nothing more is started then. */
  #lost: { readonly error: unknown } | undefined

  private constructor(workers: readonly Worker[], runsHere: boolean) {
    this.#workers = workers
    this.#runsHere = runsHere
  }

  /**
   * Undefined where threads cannot be had: under a permission model, or when bundled without the worker's file.
   * `mayBlock`: whether this thread may do its part, some milliseconds at a time.
   */
  static async start({ mayBlock }: { readonly mayBlock: boolean }): Promise<CopyPool | undefined> {
    const workers: Worker[] = []
    try {
      const file = new URL("./copy-worker.js", import.meta.url)
      if (!existsSync(fileURLToPath(file))) return undefined
      // Most conversions start no thread, and should not wait for what it takes to.
      const { Worker } = await import("node:worker_threads")
      const count = mayBlock ? THREADS - 1 : THREADS
      for (let thread = 0; thread < count; thread++) workers.push(new Worker(file))
      const pool = new CopyPool(workers, mayBlock)
      const joined = Promise.all(workers.map((worker) => pool.#join(worker)))
      // This thread begins while the other one starts, which takes as long as to copy 100 MB, and can do without it.
      if (mayBlock) joined.catch(() => {})
      else await joined
      return pool
    } catch {
      await Promise.all(workers.map((worker) => worker.terminate()))
      return undefined
    }
  }

  /** Rejects only when a thread is lost; what goes wrong with the files is in the answer. */
  run(job: CopyJob): Promise<CopyAnswer> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost.error)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      this.#next()
    })
  }

  /** Ends the threads, between two system calls of theirs. Jobs that have not been answered reject. */
  async close(): Promise<void> {
    this.#reject(new Error("the copying threads were ended"), this.#waiting)
    clearImmediate(this.#here)
    // One that is still starting has done nothing, and would be waited for as long as its start takes.
    const started = new Set(this.#threads.map(({ worker }) => worker))
    const ended = this.#workers.map((worker) => [worker, worker.terminate()] as const)
    await Promise.all(ended.map(([worker, end]) => (started.has(worker) ? end : undefined)))
  }

  /** Resolves when the thread has started, and rejects when it ends before. */
  async #join(worker: Worker): Promise<void> {
    const thread: Thread = { worker, given: [] }
    let started = false
    worker.on("message", (answer: CopyAnswer) => this.#finish(thread, answer))
    worker.on("error", (error) => started && !this.#runsHere && this.#lose(thread, error))
    worker.on("exit", () => started && this.#lose(thread, new Error("a copying thread ended")))
    await whenOnline(worker)
    // Closed meanwhile: it is being ended, and must be waited for.
    if (this.#lost !== undefined) return
    started = true
    // From here on it keeps the process alive only while it works.
    worker.unref()
    this.#threads.push(thread)
    this.#next()
  }

  /** Gives what waits to the threads that have least to do. */
  #next(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const thread = this.#idlest()
      if (thread === undefined || thread.given.length >= JOBS_A_THREAD) break
      this.#waiting.shift()
      thread.given.push(next)
      thread.worker.ref()
      thread.worker.postMessage(next.job)
    }
    // What has arrived meanwhile comes first: answers, signals.
    if (this.#runsHere && this.#waiting.length > 0) this.#here ??= setImmediate(() => this.#runHere())
  }

  #idlest(): Thread | undefined {
    let idlest = this.#threads[0]
    for (const thread of this.#threads) {
      if (idlest !== undefined && thread.given.length < idlest.given.length) idlest = thread
    }
    return idlest
  }

  #runHere(): void {
    this.#here = undefined
    const next = this.#waiting.shift()
    try {
      next?.resolve(runCopyJob(next.job))
    } catch (error) {
      // A defect, and not one that may end the process before what it has begun is removed.
      next?.reject(error)
    }
    this.#next()
  }

  #finish(thread: Thread, answer: CopyAnswer): void {
    const done = thread.given.shift()
    if (thread.given.length === 0) thread.worker.unref()
    done?.resolve(answer)
    this.#next()
  }

  /** What a lost thread had is done here where that is allowed: writing the same bytes again does no harm. */
  #lose(thread: Thread, error: unknown): void {
    if (!this.#runsHere || this.#lost !== undefined) {
      this.#reject(error, thread.given)
      this.#reject(error, this.#waiting)
      return
    }
    this.#threads.splice(this.#threads.indexOf(thread), 1)
    this.#waiting.unshift(...thread.given.splice(0))
    this.#next()
  }

  /** The first error is what gets reported for whatever comes later. */
  #reject(error: unknown, jobs: Waiting[]): void {
    this.#lost ??= { error }
    for (const { reject } of jobs.splice(0)) reject(error)
  }
}

function whenOnline(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("online", resolve)
    worker.once("error", reject)
    worker.once("exit", reject)
  })
}
