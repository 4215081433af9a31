/**
 * Reads that are asked for in one turn become few requests: neighbours share one, and only so many are under way.
 *
 * Whoever reads joins what it needs itself (transfer/read-requests.ts, and what reads headers); here meet those that know
 * nothing of each other: the chunks of a conversion, and the headers and the data of the same members.
 */

import { coalesce, type RangeGroup } from "../bytes/coalesce.ts"
import type { ByteRange } from "../bytes/read-exactly.ts"
import { unlessAborted } from "../bytes/unless-aborted.ts"

/** Ranges that are further apart are asked for on their own, and no request is made longer than this by joining reads. */
const SHARED = { maxGap: 64 * 1024, maxLength: 8 * 1024 * 1024 }

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
  readonly #queue: RangeGroup<WaitingRead>[] = []
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
    const endOf = ({ offset, length }: ByteRange): number => offset + length
    for (const group of coalesce(ordered, ({ offset }) => offset, endOf, SHARED)) this.#queue.push(group)
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
  async #send({ offset, length, items: group }: RangeGroup<WaitingRead>): Promise<void> {
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
      const bytes = await this.#readRange({ offset, length }, stopping.signal)
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
