/**
 * How long a server may send nothing. `fetch` has no such limit in some browsers and one of minutes elsewhere, so a server
 * that takes a request and forgets it would be waited for and nobody told why.
 */

/** Milliseconds without a byte, where nobody says otherwise. Servers that fetch a file from an archive take seconds. */
export const STALL_TIMEOUT_MS = 30_000

/**
 * Looks within the limit. A limit is counted in looks and not taken from the clock: a thread that is busy, or a computer
 * that sleeps, is late for one look, however long, and the bytes that have come in meanwhile are read before the next.
 */
const LOOKS = 10

/** The longest interval that timers know. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1

/** Calls `look` every so many milliseconds, until what it returns is called. */
export type Every = (milliseconds: number, look: () => void) => () => void

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
