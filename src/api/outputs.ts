/** Turns what a caller passes as output into a sink. What is the caller's own may hang, and is watched for that. */

import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { invalidArgument } from "../bytes/failures.ts"
import { writableStreamSink } from "../bytes/sinks.ts"
import { unlessAborted } from "../bytes/turns.ts"
import {
  type CopyRequest,
  type DirectSink,
  type GatherRequest,
  isDirectSink,
} from "../transfer/transfer-plan.ts"

/** What the universal build writes to. A stream is closed at the end, or aborted. */
export type SafetensorsOutput = WritableStream<Uint8Array> | ByteSink

/** @throws `invalid-argument` for anything that is no output. */
export function openUniversalOutput(
  output: unknown,
  { signal }: { readonly signal?: AbortSignal | undefined },
): ByteSink {
  if (output instanceof WritableStream) {
    if (output.locked) throw invalid("the stream is locked: something else is writing to it")
    return new CallersSink(writableStreamSink(output), signal, { abortsMidway: true })
  }
  if (isByteSink(output)) return new CallersSink(output, signal, { abortsMidway: false })
  if (typeof output === "string") throw invalid("this build opens no paths: pass a stream or a sink")
  throw invalid("pass a WritableStream, or a sink with write, close and abort")
}

function isByteSink(output: unknown): output is ByteSink {
  if (typeof output !== "object" || output === null) return false
  const { write, close, abort } = output as Partial<ByteSink>
  return typeof write === "function" && typeof close === "function" && typeof abort === "function"
}

function invalid(problem: string): Error {
  return invalidArgument("output", problem)
}

// A sink or stream of the caller's own. It may keep a call waiting for ever, because nobody takes its bytes or because it
// is at fault; a signal must end that wait, and an error must get out.

/** How long a sink may take to settle, once the conversion has failed, before its caller is told all the same. */
const SETTLE_MS = 1_000

interface CallersSinkOptions {
  /** Whether `abort` may come while a write is under way: it is what ends the write of a stream. */
  readonly abortsMidway: boolean
}

/** Waits for the calls to `sink` until `signal` is aborted, and for its clean-up for a second at most. */
class CallersSink implements DirectSink {
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

// The output as a stream: bytes move as they are read, and cancelling it ends the work.

/** Ends the work from outside, and what is to be let go of when it has ended. */
interface StreamOutputOptions {
  readonly signal: AbortSignal | undefined
  readonly release: () => Promise<void>
}

/** A sink whose other end is `stream`. The input has been let go of before the stream ends, fails or is cancelled. */
export class StreamOutput implements ByteSink {
  readonly randomAccess = false
  readonly stream: ReadableStream<Uint8Array>
  readonly #stopping = new AbortController()
  readonly #options: StreamOutputOptions
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** Whether somebody waits for bytes. */
  #wanted = false
  #wake = (): void => {}
  #ended = (): void => {}

  constructor(options: StreamOutputOptions) {
    this.#options = options
    const end = new Promise<void>((resolve) => {
      this.#ended = resolve
    })
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          this.#wanted = true
          this.#wake()
        },
        cancel: (reason) => {
          this.#stop(reason)
          return end
        },
      },
      { highWaterMark: 0 },
    )
    options.signal?.addEventListener("abort", this.#heed)
    if (options.signal?.aborted) this.#heed()
  }

  /** Aborted with the caller's signal, and when the stream is cancelled. */
  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  async write(_position: number, bytes: Uint8Array): Promise<void> {
    while (!this.#wanted) {
      this.signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.signal.throwIfAborted()
    this.#wanted = false
    // The stream keeps what it is given, and the caller's buffer is used again.
    this.#controller?.enqueue(bytes.slice())
  }

  async close(): Promise<void> {
    await this.#release()
    this.#controller?.close()
    this.#ended()
  }

  async abort(reason: unknown): Promise<void> {
    await this.#release().catch(() => {})
    this.#controller?.error(reason)
    this.#ended()
  }

  #release(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#heed)
    return this.#options.release()
  }

  #heed = (): void => this.#stop(this.#options.signal?.reason)

  #stop(reason: unknown): void {
    this.#stopping.abort(reason)
    this.#wake()
  }
}
