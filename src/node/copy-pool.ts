/** Threads that copy from file to file, for outputs large enough to be worth starting them. */

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import type { CopyAnswer, CopyJob } from "./copy-job.ts"

/** Two keep the disk cache busy: writes to one file take turns in the kernel, so more only wait. */
const THREADS = 2

interface Waiting {
  readonly job: CopyJob
  readonly resolve: (answer: CopyAnswer) => void
  readonly reject: (error: unknown) => void
}

/** Runs copy jobs on threads. */
export class CopyPool {
  readonly #idle: Worker[]
  readonly #workers: readonly Worker[]
  readonly #waiting: Waiting[] = []
  readonly #running = new Map<Worker, Waiting>()
  /** Set when a thread has gone: nothing more is started then. */
  #lost: { readonly error: unknown } | undefined

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers
    this.#idle = [...workers]
    // From the start: a thread that goes while another one comes would be waited for in vain.
    for (const worker of workers) {
      worker.on("message", (answer: CopyAnswer) => this.#finish(worker, answer))
      worker.on("error", (error) => this.#lose(worker, error))
      worker.on("exit", () => this.#lose(worker, new Error("a copying thread ended")))
    }
  }

  /** Undefined where threads cannot be had: under a permission model, or when bundled without the worker's file. */
  static async start(): Promise<CopyPool | undefined> {
    const workers: Worker[] = []
    try {
      const file = new URL("./copy-worker.js", import.meta.url)
      if (!existsSync(fileURLToPath(file))) return undefined
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
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #next(): void {
    const worker = this.#idle.pop()
    if (worker === undefined) return
    const waiting = this.#waiting.shift()
    if (waiting === undefined) {
      this.#idle.push(worker)
      return
    }
    this.#running.set(worker, waiting)
    worker.ref()
    worker.postMessage(waiting.job)
  }

  #finish(worker: Worker, answer: CopyAnswer): void {
    const waiting = this.#running.get(worker)
    this.#running.delete(worker)
    worker.unref()
    this.#idle.push(worker)
    waiting?.resolve(answer)
    this.#next()
  }

  #lose(worker: Worker, error: unknown): void {
    this.#lost ??= { error }
    this.#running.get(worker)?.reject(error)
    this.#running.delete(worker)
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

function whenOnline(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("online", resolve)
    worker.once("error", reject)
    worker.once("exit", reject)
  })
}
