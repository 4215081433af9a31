/** Reads ranges whole: asks again after failures that may pass, and goes on where a body broke off. */

import { allocate } from "../bytes/failures.ts"
import { type ByteRange, isBytes } from "../bytes/read-exactly.ts"
import { unlessAborted } from "../bytes/turns.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { networkFailure, PassingFailure, readFailed, stalled } from "./http-failures.ts"
import type { RangeAnswer, RangeRequests, RemoteFile } from "./range-request.ts"

/** Requests for one range, all in all. */
const MOST_ATTEMPTS = 5
/** The same where no server has ever answered: a name that is misspelt is to be told soon. */
const MOST_FIRST_ATTEMPTS = 2

/** Waits double from the first to the last, each shortened at random by up to a half. Milliseconds. */
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
/** A server that wants more time than this is not waited for. */
const LONGEST_ASKED_WAIT_MS = 60_000

/** Waits so many milliseconds, or until the signal is aborted. */
type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>

/** How long is waited, and for what. */
export interface Waiting {
  /** Milliseconds without a byte after which a request is given up; 0 or Infinity for none. Default 30,000. */
  readonly stallTimeoutMs?: number | undefined
  /** Default: by the clock. */
  readonly wait?: Wait
  /** Default: by the clock. */
  readonly every?: Every
}

/** Reads ranges of one file, which must stay the same from its first answer on. */
export class RangeReader {
  readonly #requests: RangeRequests
  readonly #wait: Wait
  readonly #stallTimeoutMs: number
  readonly #every: Every | undefined
  #file: RemoteFile | undefined
  #answered = false

  constructor(
    requests: RangeRequests,
    { wait = pause, stallTimeoutMs = STALL_TIMEOUT_MS, every }: Waiting = {},
  ) {
    this.#requests = requests
    this.#wait = wait
    this.#stallTimeoutMs = stallTimeoutMs
    this.#every = every
  }

  /** Bytes of the file; 0 before anything was read. */
  get byteLength(): number {
    return this.#file?.byteLength ?? 0
  }

  /**
   * The bytes of `range`; fewer only in the first call, which may ask for more than the file has.
   *
   * @throws `read-failed`, `input-changed`; the signal's reason.
   */
  async read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const target = { bytes: new Uint8Array(0), filled: 0 }
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#readOn(range, target, signal)
        return target.bytes
      } catch (failure) {
        if (!(failure instanceof PassingFailure)) throw failure
        const { error, waitMs = 0 } = failure
        if (attempt >= (this.#answered ? MOST_ATTEMPTS : MOST_FIRST_ATTEMPTS)) throw error
        if (waitMs > LONGEST_ASKED_WAIT_MS) throw error
        await this.#wait(Math.max(waitMs, backoffMs(attempt)), signal)
      }
    }
  }

  async #readOn({ offset, length }: ByteRange, target: Target, signal: AbortSignal): Promise<void> {
    const rest = { offset: offset + target.filled, length: length - target.filled }
    const { url } = this.#requests
    const failure = (): PassingFailure => stalled(url, this.#stallTimeoutMs)
    const silence = new Silence(this.#stallTimeoutMs, signal, failure, this.#every)
    try {
      const answer = await this.#ask(rest, silence.signal)
      silence.broken()
      if (target.filled === 0) target.bytes = allocate(answer.length, url.pathname)
      await this.#fill(target, answer, silence)
    } finally {
      silence.end()
    }
  }

  async #ask(range: ByteRange, signal: AbortSignal): Promise<RangeAnswer> {
    const answer = await this.#requests.ask(range, this.#file, signal).catch((failure: unknown) => {
      this.#answered ||= failure instanceof PassingFailure && failure.error.cause === undefined
      throw failure
    })
    this.#answered = true
    this.#file ??= answer.file
    return answer
  }

  /** Takes the body in, all of it and no more. */
  async #fill(target: Target, { body }: RangeAnswer, silence: Silence): Promise<void> {
    if (body === undefined) return
    const { url } = this.#requests
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await unlessAborted(reader.read(), silence.signal)
        silence.broken()
        if (done) break
        if (!isBytes(value)) throw readFailed(url, "the answer yields something that is not bytes")
        if (value.length > target.bytes.length - target.filled) {
          throw readFailed(url, "the server sends more bytes than it said, and than were asked for")
        }
        target.bytes.set(value, target.filled)
        target.filled += value.length
      }
    } catch (cause) {
      reader.cancel().catch(() => {})
      silence.throwIfGivenUp()
      if (isCheckpointError(cause)) throw cause
      // What breaks off behind the last byte, or never ends, has brought all that was asked for.
      if (target.filled < target.bytes.length) {
        silence.signal.throwIfAborted()
        throw networkFailure(url, cause)
      }
    }
    if (target.filled === target.bytes.length) return
    const missing = target.bytes.length - target.filled
    throw new PassingFailure(readFailed(url, `the answer ended ${missing} bytes early`))
  }
}

/** What of a range has arrived. */
interface Target {
  bytes: Uint8Array
  filled: number
}

/** With chance in it, so that many who failed together do not ask together again. */
function backoffMs(attempt: number): number {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1))
  return most * (0.5 + Math.random() / 2)
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await unlessAborted(over, signal).finally(() => clearTimeout(timer))
}

// How long a server may send nothing. `fetch` has no such limit in some browsers and one of minutes elsewhere, so a server
// that takes a request and forgets it would be waited for and nobody told why.

/** Milliseconds without a byte, where nobody says otherwise. Servers that fetch a file from an archive take seconds. */
const STALL_TIMEOUT_MS = 30_000

/**
 * Looks within the limit. A limit is counted in looks and not taken from the clock: a thread that is busy, or a computer
 * that sleeps, is late for one look, however long, and the bytes that have come in meanwhile are read before the next.
 */
const LOOKS = 10

/** The longest interval that timers know. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1

/** Calls `look` every so many milliseconds, until what it returns is called. */
type Every = (milliseconds: number, look: () => void) => () => void

/** Watches one request: its `signal` is aborted when the server has been silent for too long, or with the caller's. */
export class Silence {
  readonly #controller = new AbortController()
  readonly #callers: AbortSignal
  readonly #end: () => void
  #looks = 0

  /** `limitMs` of 0 or Infinity is none. `failure` makes the reason that the request is aborted with. */
  constructor(limitMs: number, signal: AbortSignal, failure: () => unknown, every: Every = byInterval) {
    this.#callers = signal
    const heed = (): void => this.#controller.abort(signal.reason)
    signal.addEventListener("abort", heed)
    if (signal.aborted) heed()
    const look = (): void => {
      // The first look may come at once after a byte.
      if (++this.#looks > LOOKS) this.#controller.abort(failure())
    }
    const unlimited = limitMs === 0 || limitMs === Number.POSITIVE_INFINITY
    const stop = unlimited ? undefined : every(Math.min(limitMs / LOOKS, LONGEST_INTERVAL_MS), look)
    this.#end = () => {
      stop?.()
      signal.removeEventListener("abort", heed)
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** @throws the reason of the caller's signal when that is aborted. */
  throwIfGivenUp(): void {
    this.#callers.throwIfAborted()
  }

  /** The server has sent something. */
  broken(): void {
    this.#looks = 0
  }

  /** To be called when the request has ended: a timer would keep the process. */
  end(): void {
    this.#end()
  }
}

function byInterval(milliseconds: number, look: () => void): () => void {
  const timer = setInterval(look, milliseconds)
  return () => clearInterval(timer)
}
