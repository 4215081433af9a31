/**
 * A sink or stream of the caller's own. It may keep a call waiting for ever, because nobody takes its bytes or because it
 * is at fault; a signal must end that wait, and an error must get out.
 */

import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { unlessAborted } from "../bytes/unless-aborted.ts"
import type { CopyRequest, DirectSink, GatherRequest } from "../transfer/direct-sink.ts"
import { isDirectSink } from "../transfer/direct-sink.ts"

/** How long a sink may take to settle, once the conversion has failed, before its caller is told all the same. */
const SETTLE_MS = 1_000

export interface CallersSinkOptions {
  /** Whether `abort` may come while a write is under way: it is what ends the write of a stream. */
  readonly abortsMidway: boolean
}

/** Waits for the calls to `sink` until `signal` is aborted, and for its clean-up for a second at most. */
export class CallersSink implements DirectSink {
  readonly randomAccess: boolean
  readonly #sink: ByteSink
  /** The same one, if it takes parts of a plan over: the command line passes such sinks. */
  readonly #direct: DirectSink | undefined
  readonly #signal: AbortSignal | undefined
  readonly #abortsMidway: boolean
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(sink: ByteSink, signal: AbortSignal | undefined, { abortsMidway }: CallersSinkOptions) {
    this.randomAccess = sink.randomAccess
    this.#sink = sink
    this.#direct = isDirectSink(sink) ? sink : undefined
    this.#signal = signal
    this.#abortsMidway = abortsMidway
  }

  async open(byteLength: number): Promise<void> {
    await this.#call(() => this.#sink.open?.(byteLength))
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    await this.#call(() => this.#sink.write(position, bytes))
  }

  drawsFrom(source: ByteSource): boolean {
    return this.#direct?.drawsFrom(source) === true
  }

  copyFrom(request: CopyRequest): Promise<readonly number[]> {
    return this.#call(() => this.#direct?.copyFrom(request) ?? [])
  }

  gatherFrom(request: GatherRequest): Promise<number | undefined> {
    return this.#call(() => this.#direct?.gatherFrom(request))
  }

  /** What is done is done: a sink that closes soon after the signal has been closed. */
  async close(): Promise<void> {
    const closed = this.#track(() => this.#sink.close())
    await this.#unlessAborted(closed).catch(async (error: unknown) => {
      if (!(await settles(closed))) throw error
      await closed
    })
  }

  /** Called once nothing is being written any more, or after a second of waiting for that. */
  async abort(reason: unknown): Promise<void> {
    if (!this.#abortsMidway) await settles(Promise.allSettled(this.#underWay))
    const aborted = this.#track(() => this.#sink.abort(reason))
    const stuck = this.#abortsMidway && this.#signal?.aborted === true
    if (stuck || !(await settles(aborted))) return
    await aborted
  }

  #call<Value>(work: () => PromiseLike<Value> | Value): Promise<Value> {
    return this.#unlessAborted(this.#track(work))
  }

  #unlessAborted<Value>(work: Promise<Value>): Promise<Value> {
    return unlessAborted(work, this.#signal)
  }

  #track<Value>(work: () => PromiseLike<Value> | Value): Promise<Value> {
    const call = (async () => await work())()
    this.#underWay.add(call)
    // Also what nobody waits for any more is no unhandled rejection.
    call.catch(() => {}).finally(() => this.#underWay.delete(call))
    return call
  }
}

/** Whether `work` comes to an end, good or bad, within the time that it is given. */
function settles(work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), SETTLE_MS)
    const end = (): void => {
      clearTimeout(timer)
      resolve(true)
    }
    work.then(end, end)
  })
}
