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

/** Talks to a worker of its own. */
export class CheckpointClient {
  readonly #worker = new CheckpointWorker()
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#hear(data))
    // Not enough memory for a file, say.
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault()
      this.#rejectAll(event.message || "the worker stopped")
    })
  }

  /** @throws Refused, Cancelled */
  ask<V extends Verb>(
    verb: V,
    given: Exchanges[V]["ask"],
    options: AskOptions = {},
  ): Promise<Exchanges[V]["answer"]> {
    const { signal, onProgress } = options
    const id = ++this.#lastId
    const cancel = (): void => this.#tell({ kind: "cancel", id })
    const answer = new Promise<Exchanges[V]["answer"]>((resolve, reject) => {
      if (signal?.aborted) throw new Cancelled("cancelled")
      this.#waiting.set(id, { resolve, reject, onProgress })
    })
    this.#tell({ kind: "ask", id, verb, given } as ToWorker)
    signal?.addEventListener("abort", cancel, { once: true })
    return answer.finally(() => signal?.removeEventListener("abort", cancel))
  }

  /** Ends the worker, whatever it does. */
  close(): void {
    this.#worker.terminate()
    for (const { reject } of this.#waiting.values()) reject(new Cancelled("closed"))
    this.#waiting.clear()
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message)
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

  #rejectAll(message: string): void {
    const refusal: Refusal = { code: "unexpected", message, nextStep: undefined, candidates: [] }
    for (const { reject } of this.#waiting.values()) reject(new Refused(refusal))
    this.#waiting.clear()
  }
}
