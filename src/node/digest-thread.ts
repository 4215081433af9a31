/** Has a file hashed on a thread, beside whatever else goes on. */

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Worker } from "node:worker_threads"
import type { DigestAnswer, DigestJob } from "./digest-job.ts"

/**
 * Undefined where a thread cannot be had: under a permission model, or when bundled without the worker's file. It has
 * ended, and reads no more, when this settles.
 *
 * @throws the signal's reason when aborted; what ended the thread when it was lost.
 */
export async function digestOnThread(
  job: DigestJob,
  signal: AbortSignal | undefined,
): Promise<DigestAnswer | undefined> {
  const threads = await import("node:worker_threads")
  signal?.throwIfAborted()
  const worker = startWorker(threads, job)
  if (worker === undefined) return undefined
  const stop = (): void => void worker.terminate()
  signal?.addEventListener("abort", stop)
  try {
    const answer = await answerOf(worker)
    signal?.throwIfAborted()
    if (answer === undefined) throw new Error("the thread that takes the digest ended")
    return answer
  } finally {
    signal?.removeEventListener("abort", stop)
  }
}

function startWorker({ Worker }: typeof import("node:worker_threads"), job: DigestJob): Worker | undefined {
  try {
    const file = new URL("./digest-worker.js", import.meta.url)
    return existsSync(fileURLToPath(file)) ? new Worker(file, { workerData: job }) : undefined
  } catch {
    return undefined
  }
}

function answerOf(worker: Worker): Promise<DigestAnswer | undefined> {
  return new Promise((resolve, reject) => {
    let answer: DigestAnswer | undefined
    worker.on("message", (message: DigestAnswer) => {
      answer = message
    })
    worker.on("error", reject)
    worker.on("exit", () => resolve(answer))
  })
}
