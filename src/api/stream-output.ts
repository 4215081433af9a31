/** The output as a stream: bytes move as they are read, and cancelling it ends the work. */

import type { ByteSink } from "../bytes/byte-sink.ts"

/** Ends the work from outside, and what is to be let go of when it has ended. */
export interface StreamOutputOptions {
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
