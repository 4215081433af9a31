/** Threads that copy from file to file, for outputs large enough to be worth starting them. */

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Worker } from "node:worker_threads"
import type { CopyAnswer, CopyJob } from "./copy-job.ts"

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
  readonly #threads: readonly Thread[]
  readonly #waiting: Waiting[] = []
  /** Set when a thread has gone: nothing more is started then. */
  #lost: { readonly error: unknown } | undefined

  private constructor(workers: readonly Worker[]) {
    this.#threads = workers.map((worker) => ({ worker, given: [] }))
    // From the start: a thread that goes while another one comes would be waited for in vain.
    for (const thread of this.#threads) {
      thread.worker.on("message", (answer: CopyAnswer) => this.#finish(thread, answer))
      thread.worker.on("error", (error) => this.#lose(thread, error))
      thread.worker.on("exit", () => this.#lose(thread, new Error("a copying thread ended")))
    }
  }

  /** Undefined where threads cannot be had: under a permission model, or when bundled without the worker's file. */
  static async start(): Promise<CopyPool | undefined> {
    const workers: Worker[] = []
    try {
      const file = new URL("./copy-worker.js", import.meta.url)
      if (!existsSync(fileURLToPath(file))) return undefined
      // Most conversions start no thread, and should not wait for what it takes to.
      const { Worker } = await import("node:worker_threads")
      for (let thread = 0; thread < THREADS; thread++) workers.push(new Worker(file))
      const pool = new CopyPool(workers)
      await Promise.all(workers.map(whenOnline))
      // From here on a thread keeps the process alive only while it works.
      for (const worker of workers) worker.unref()
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
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  /** Gives what waits to the threads that have least to do. */
  #next(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const thread = this.#threads.reduce((least, each) =>
        each.given.length < least.given.length ? each : least,
      )
      if (thread.given.length >= JOBS_A_THREAD) return
      this.#waiting.shift()
      thread.given.push(next)
      thread.worker.ref()
      thread.worker.postMessage(next.job)
    }
  }

  #finish(thread: Thread, answer: CopyAnswer): void {
    const done = thread.given.shift()
    if (thread.given.length === 0) thread.worker.unref()
    done?.resolve(answer)
    this.#next()
  }

  #lose({ given }: Thread, error: unknown): void {
    this.#lost ??= { error }
    for (const { reject } of [...given.splice(0), ...this.#waiting.splice(0)]) reject(error)
  }
}

function whenOnline(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("online", resolve)
    worker.once("error", reject)
    worker.once("exit", reject)
  })
}
