/**
 * A file on a server as a source: range requests and nothing else.
 *
 * The first request is for the file's head, which tells its length and version and is what every reader looks at first.
 * A suffix range would bring an archive's tail as well, but browsers ask a server of another site for leave before they
 * send one, and not every server knows it.
 */

import type { ByteSource } from "../bytes/byte-source.ts"
import { coalesce, type RangeGroup } from "../bytes/coalesce.ts"
import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import type { ByteRange } from "../bytes/read-exactly.ts"
import { unlessAborted } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { readFailed, shownUrl } from "./http-failures.ts"
import { type HttpOptions, isHttp } from "./http-options.ts"
import { RangeReader, type Waiting } from "./range-reader.ts"
import { RangeRequests } from "./range-request.ts"

/** Bytes of the first request: what tells the format and, in most archives, the whole pickle. */
const HEAD_BYTES = 64 * 1024

export interface UrlSourceOptions extends HttpOptions, Waiting {
  readonly signal?: AbortSignal | undefined
}

/** An open URL. All its answers are of one version of the file, or an error. */
export class UrlSource implements ByteSource {
  readonly byteLength: number
  readonly readCost = "high"
  readonly #reads: MergedReads
  readonly #kept: KeptBytes
  readonly #url: URL

  constructor(url: URL, byteLength: number, reads: MergedReads, kept: KeptBytes) {
    this.#url = url
    this.byteLength = byteLength
    this.#reads = reads
    this.#kept = kept
  }

  /** What has been fetched lately is not fetched again. */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const { before, after } = this.#kept.endsOf(offset, length)
    if (before.length === length) return before
    const missing = { offset: offset + before.length, length: length - before.length - after.length }
    const middle = missing.length === 0 ? after : await this.#reads.read(missing, signal)
    if (middle.length === length) return middle
    const bytes = new Uint8Array(length)
    bytes.set(before)
    bytes.set(middle, before.length)
    bytes.set(after, length - after.length)
    return bytes
  }

  async close(): Promise<void> {
    this.#reads.close(readFailed(this.#url, "it has been closed"))
  }
}

/**
 * Opens `url`, of the protocol http or https, with one request.
 *
 * @throws `invalid-argument` for other URLs; `read-failed`; the signal's reason.
 */
export async function openUrlSource(url: URL, options: UrlSourceOptions): Promise<UrlSource> {
  requireHttp(url)
  const { signal = new AbortController().signal } = options
  signal.throwIfAborted()
  const reader = new RangeReader(new RangeRequests(new URL(url), options), options)
  const kept = new KeptBytes()
  kept.keep(0, await reader.read({ offset: 0, length: HEAD_BYTES }, signal))
  const reads = new MergedReads(async (range, readSignal) => {
    const bytes = await reader.read(range, readSignal)
    kept.keep(range.offset, bytes)
    return bytes
  })
  return new UrlSource(url, reader.byteLength, reads, kept)
}

function requireHttp(url: URL): void {
  const refuse = (problem: string): never => {
    throw new CheckpointError(INVALID_ARGUMENT, { argument: "input", problem })
  }
  if (!isHttp(url)) refuse(`of URLs http: and https: ones are opened, not ${url.protocol} ones`)
  if (url.username !== "" || url.password !== "") {
    refuse(`the URL of ${shownUrl(url)} holds a password: pass it as a header (\`http: { headers: … }\`)`)
  }
}

// Reads that are asked for in one turn become few requests: neighbours share one, and only so many are under way.
//
// Whoever reads joins what it needs itself (transfer/chunk-reads.ts, and what reads headers); here meet those that know
// nothing of each other: the chunks of a conversion, and the headers and the data of the same members.

/** Ranges that are further apart are asked for on their own, and no request is made longer than this by joining reads. */
const SHARED = { maxGap: 64 * 1024, maxLength: 8 * 1024 * 1024 }

/** As many as browsers make to one host. */
const REQUESTS_IN_FLIGHT = 6

/** Reads one range. */
type ReadRange = (range: ByteRange, signal: AbortSignal) => Promise<Uint8Array>

interface WaitingRead extends ByteRange {
  readonly signal: AbortSignal | undefined
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

/** Joins reads. */
class MergedReads {
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

// Small runs of bytes that have been fetched: the head and the tail of a file are asked for more than once.

/** Longer runs are not kept. Holds the end of an archive with its longest comment. */
const MOST_RUN_BYTES = 128 * 1024

/** Runs that are kept: 1 MiB at most, and the head. The first one, a file's head, stays. */
const MOST_RUNS = 8

/** The head grows to this with what is fetched right behind it: pickles whose length nobody knows are looked for there. */
const MOST_HEAD_BYTES = 1024 * 1024

interface Run {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What is known of a range: bytes at its beginning and at its end. */
interface KnownEnds {
  readonly before: Uint8Array
  readonly after: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** Keeps the head and the latest short runs. */
export class KeptBytes {
  readonly #runs: Run[] = []

  keep(offset: number, bytes: Uint8Array): void {
    if (this.#growHead(offset, bytes)) return
    if (bytes.length === 0 || bytes.length > MOST_RUN_BYTES) return
    if (this.#runs.length === MOST_RUNS) this.#runs.splice(1, 1)
    this.#runs.push({ offset, bytes })
  }

  /** What is kept of `[offset, offset + length)`: all of it in `before`, or what it begins and what it ends with. */
  endsOf(offset: number, length: number): KnownEnds {
    const end = offset + length
    const before = this.#from(offset).subarray(0, length)
    if (before.length === length) return { before, after: NOTHING }
    const run = this.#runs.find((each) => each.offset < end && each.offset + each.bytes.length >= end)
    if (run === undefined) return { before, after: NOTHING }
    const start = Math.max(run.offset, offset + before.length)
    return { before, after: run.bytes.subarray(start - run.offset, end - run.offset) }
  }

  /** Whether `bytes` stand right behind the head and have been added to it. */
  #growHead(offset: number, bytes: Uint8Array): boolean {
    const [head] = this.#runs
    if (head === undefined || head.offset !== 0 || head.bytes.length !== offset) return false
    const length = offset + bytes.length
    if (length > MOST_HEAD_BYTES) return false
    const joined = new Uint8Array(length)
    joined.set(head.bytes)
    joined.set(bytes, offset)
    this.#runs[0] = { offset: 0, bytes: joined }
    return true
  }

  #from(offset: number): Uint8Array {
    const run = this.#runs.find((each) => each.offset <= offset && each.offset + each.bytes.length > offset)
    return run === undefined ? NOTHING : run.bytes.subarray(offset - run.offset)
  }
}
