/**
 * Reads that are asked for in one turn become few requests: neighbours share one, and only so many are under way.
 *
 * Whoever reads joins what it needs itself (transfer/read-requests.ts, and what reads headers); here meet those that know
 * nothing of each other: the chunks of a conversion, and the headers and the data of the same members.
 */

import type { ByteRange } from "../bytes/read-exactly.ts"
import { unlessAborted } from "../bytes/unless-aborted.ts"

/** Ranges that are further apart than this are asked for on their own. */
const GAP_BYTES = 64 * 1024

/** A request is not made longer than this by joining reads. */
const SHARED_BYTES = 8 * 1024 * 1024

/** As many as browsers make to one host. */
const REQUESTS_IN_FLIGHT = 6

/** Reads one range. */
export type ReadRange = (range: ByteRange, signal: AbortSignal) => Promise<Uint8Array>

interface WaitingRead extends ByteRange {
  readonly signal: AbortSignal | undefined
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

/** Joins reads. */
export class MergedReads {
  readonly #readRange: ReadRange
  readonly #closing = new AbortController()
  #waiting: WaitingRead[] = []
  readonly #queue: (readonly WaitingRead[])[] = []
  #inFlight = 0

  constructor(readRange: ReadRange) {
    this.#readRange = readRange
  }

  /** The bytes of `range`, which may be a view of more. @throws what reading throws; the signal's reason at once. */
  read(range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const bytes = new Promise<Uint8Array>((resolve, reject) => {
      if (this.#waiting.length === 0) setTimeout(() => this.#sendAll(), 0)
      this.#waiting.push({ ...range, signal, resolve, reject })
    })
    return unlessAborted(bytes, signal)
  }

  /** Gives up what is under way. */
  close(reason: unknown): void {
    this.#closing.abort(reason)
  }

  #sendAll(): void {
    const ordered = this.#waiting.sort((a, b) => a.offset - b.offset)
    this.#waiting = []
    for (let first = 0; first < ordered.length; ) {
      const group = takeGroup(ordered, first)
      first += group.length
      this.#queue.push(group)
    }
    this.#sendQueued()
  }

  #sendQueued(): void {
    while (this.#inFlight < REQUESTS_IN_FLIGHT) {
      const group = this.#queue.shift()
      if (group === undefined) return
      this.#inFlight++
      this.#send(group).finally(() => {
        this.#inFlight--
        this.#sendQueued()
      })
    }
  }

  /** One request, given up when nobody waits for it any more. */
  async #send(group: readonly WaitingRead[]): Promise<void> {
    const stopping = new AbortController()
    const signals = group.map(({ signal }) => signal)
    const heed = (): void => {
      if (this.#closing.signal.aborted) stopping.abort(this.#closing.signal.reason)
      else if (signals.every((signal) => signal?.aborted === true)) stopping.abort(signals[0]?.reason)
    }
    const heeded = [this.#closing.signal, ...signals]
    for (const signal of heeded) signal?.addEventListener("abort", heed)
    heed()
    try {
      stopping.signal.throwIfAborted()
      const offset = group[0]?.offset ?? 0
      const bytes = await this.#readRange({ offset, length: endOf(group) - offset }, stopping.signal)
      for (const read of group) {
        read.resolve(bytes.subarray(read.offset - offset, read.offset - offset + read.length))
      }
    } catch (error) {
      for (const read of group) read.reject(error)
    } finally {
      for (const signal of heeded) signal?.removeEventListener("abort", heed)
    }
  }
}

function endOf(group: readonly ByteRange[]): number {
  return group.reduce((end, { offset, length }) => Math.max(end, offset + length), 0)
}

function takeGroup(ordered: readonly WaitingRead[], first: number): readonly WaitingRead[] {
  const head = ordered[first] as WaitingRead
  let end = head.offset + head.length
  let next = first + 1
  for (; next < ordered.length; next++) {
    const { offset, length } = ordered[next] as WaitingRead
    const newEnd = Math.max(end, offset + length)
    if (offset - end > GAP_BYTES || newEnd - head.offset > SHARED_BYTES) break
    end = newEnd
  }
  return ordered.slice(first, next)
}
