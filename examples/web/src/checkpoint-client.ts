/** The page's side of one worker. */

import CheckpointWorker from "./worker/main.ts?worker&inline"
import type { Exchanges, FromWorker, Refusal, ToWorker, Verb, WorkProgress } from "./worker/protocol.ts"

/** Thrown where the worker refuses. */
export class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** Thrown where a question was taken back. */
export class Cancelled extends Error {}

export interface AskOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: WorkProgress) => void
}

interface Waiting {
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
  readonly onProgress: ((progress: WorkProgress) => void) | undefined
}

/** Talks to a worker of its own, which is made when there is something to ask. */
export class CheckpointClient {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #isClosed = false
  #lastId = 0

  /** @throws Refused, Cancelled */
  async ask<V extends Verb>(
    verb: V,
    given: Exchanges[V]["ask"],
    { signal, onProgress }: AskOptions = {},
  ): Promise<Exchanges[V]["answer"]> {
    if (this.#isClosed || signal?.aborted === true) throw new Cancelled("cancelled")
    this.#worker ??= this.#start()
    const worker = this.#worker
    const tell = (message: ToWorker): void => worker.postMessage(message)
    const id = ++this.#lastId
    const cancel = (): void => tell({ kind: "cancel", id })
    signal?.addEventListener("abort", cancel, { once: true })
    try {
      return await new Promise<Exchanges[V]["answer"]>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject, onProgress })
        tell({ kind: "ask", id, verb, given } as ToWorker)
      })
    } finally {
      signal?.removeEventListener("abort", cancel)
    }
  }

  /** Ends the worker, whatever it does. What is asked later is refused as cancelled. */
  close(): void {
    this.#isClosed = true
    this.#worker?.terminate()
    this.#rejectAll(new Cancelled("closed"))
  }

  #start(): Worker {
    const worker = new CheckpointWorker()
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#hear(data))
    // Not enough memory for a file, say.
    worker.addEventListener("error", (event) => {
      event.preventDefault()
      const message = event.message || "the worker stopped"
      this.#rejectAll(new Refused({ code: "unexpected", message, nextStep: undefined, candidates: [] }))
    })
    return worker
  }

  #hear(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id)
    if (waiting === undefined) return
    if (message.kind === "progress") {
      waiting.onProgress?.(message.progress)
      return
    }
    this.#waiting.delete(message.id)
    if (message.kind === "answer") waiting.resolve(message.answer as never)
    else if (message.kind === "cancelled") waiting.reject(new Cancelled("cancelled"))
    else waiting.reject(new Refused(message.refusal))
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
