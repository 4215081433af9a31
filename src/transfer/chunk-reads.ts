/**
 * What chunks are read with. Many byte ranges take few reads: neighbours in the file share one.
 *
 * Requests to a server are joined once more, by its source: what is asked for in one turn comes from several chunks, and
 * from what looks at headers. Here are joined the reads of a disk, and of sources that join nothing.
 */

import { type ByteExtent, locateExtents } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { coalesce, type RangeGroup } from "../bytes/coalesce.ts"
import { allocate } from "../bytes/failures.ts"
import { readExactly, readExactlyInto, useExactly } from "../bytes/read-exactly.ts"
import { type InflateExtent, inflateExtent } from "../bytes/read-extent.ts"
import { requireWithinScaled } from "../limits/require-within.ts"
import type { GatherSegment } from "../plan/plan.ts"
import { type GatherBlock, gatherBlockAt, runReads } from "../strided/blocks.ts"
import type { StridedView } from "../strided/view.ts"
import type { ChecksumLedger } from "./checksum-ledger.ts"

/** Ranges of a source that are further apart are not worth one read. */
const SHARED = { maxGap: 64 * 1024, maxLength: 2 * 1024 * 1024 }

/** Bytes of a stored extent, and where they are wanted. */
export interface ReadRequest {
  readonly extent: ByteExtent
  /** First byte in the extent. */
  readonly offset: number
  readonly length: number
  readonly target: Uint8Array
  /** Where in `target` they are wanted. */
  readonly at: number
  /** Called once they are there, with the same bytes, which may lie elsewhere by now and are not kept. */
  readonly done: (request: ReadRequest, bytes: Uint8Array) => void
}

/** Fills the targets of all requests. Extents that have not been found are found by the way. */
export async function readRequests(
  requests: readonly ReadRequest[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const located = locateAll(requests, signal)
  const underWay: Promise<void>[] = []
  for (const [source, wanted] of bySource(requests)) {
    const ordered = wanted.sort((a, b) => earliestOf(a) - earliestOf(b))
    for (const group of coalesce(ordered, earliestOf, endOf, SHARED)) {
      const reading = readGroup(group, located, signal)
      // A disk is kept busy by the chunks in flight; of a server more is asked at once.
      if (source.readCost !== "high") await reading
      else underWay.push(reading)
      // Whoever waits for it may come later than its failure.
      reading.catch(() => {})
    }
  }
  // No target is written to any more when a failure is reported.
  for (const ended of await Promise.allSettled(underWay)) {
    if (ended.status === "rejected") throw ended.reason
  }
}

/** In the turn in which the data is asked for, so that the source fetches headers and data together. */
function locateAll(
  requests: readonly ReadRequest[],
  signal: AbortSignal | undefined,
): Promise<void> | undefined {
  if (requests.every(({ extent }) => extent.locator === undefined)) return undefined
  const located = locateExtents(new Set(requests.map(({ extent }) => extent)), signal)
  // Those that wait for it come later.
  located.catch(() => {})
  return located
}

function bySource(requests: readonly ReadRequest[]): ReadonlyMap<ByteSource, ReadRequest[]> {
  const groups = new Map<ByteSource, ReadRequest[]>()
  for (const request of requests) {
    const group = groups.get(request.extent.source)
    if (group === undefined) groups.set(request.extent.source, [request])
    else group.push(request)
  }
  return groups
}

async function readGroup(
  { offset, length, items }: RangeGroup<ReadRequest>,
  located: Promise<void> | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [request] = items as [ReadRequest]
  const { source, name, locator } = request.extent
  if (items.length === 1 && locator === undefined) {
    const bytes = request.target.subarray(request.at, request.at + length)
    await readExactlyInto(source, offset, bytes, signal, name)
    request.done(request, bytes)
    return
  }
  const range = { offset, length }
  const deal = (bytes: Uint8Array): void => {
    for (const request of items) {
      const start = fileOffset(request) - offset
      const part = bytes.subarray(start, start + request.length)
      request.target.set(part, request.at)
      request.done(request, part)
    }
  }
  if (located === undefined) return useExactly(source, range, deal, signal)
  const bytes = await readExactly(source, range, signal)
  await located
  deal(bytes)
}

function fileOffset({ extent, offset }: ReadRequest): number {
  return extent.offset + offset
}

/** The file offset from which on its bytes may lie: what surrounds them is read along. */
function earliestOf(request: ReadRequest): number {
  const { locator } = request.extent
  return locator === undefined
    ? fileOffset(request)
    : locator.boundsOf(request.extent).earliest + request.offset
}

/** The file offset behind which none of them lies. */
function endOf(request: ReadRequest): number {
  const { extent, offset, length } = request
  const latest = extent.locator === undefined ? extent.offset : extent.locator.boundsOf(extent).latest
  return latest + offset + length
}

/** Reads at the same time. */
const READS_IN_FLIGHT = 8

/** Fills `target` with bytes of `extent` from `offset`. */
type ReadExtent = (extent: ByteExtent, offset: number, target: Uint8Array) => Promise<void>

interface LoadedWindow {
  readonly block: GatherBlock
  readonly window: Uint8Array<ArrayBuffer>
}

/**
 * The window of a large gather: the part of a storage that its current block picks from. One at a time, in one buffer that
 * grows to the largest. Calls must not overlap.
 */
export class GatherWindow {
  readonly #read: ReadExtent
  readonly #ledger: ChecksumLedger
  readonly #windowBytes: number
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #segment: GatherSegment | undefined
  #block: GatherBlock | undefined

  constructor(read: ReadExtent, ledger: ChecksumLedger, windowBytes: number) {
    this.#read = read
    this.#ledger = ledger
    this.#windowBytes = windowBytes
  }

  /** The block that holds element number `element` of the segment, which draws from `extent`, with its window in memory. */
  async load(segment: GatherSegment, extent: ByteExtent, element: number): Promise<LoadedWindow> {
    const { itemBytes } = segment.view
    const current = this.#segment === segment ? this.#block : undefined
    const inside =
      current !== undefined &&
      element >= current.firstElement &&
      element < current.firstElement + current.elementCount
    const block = inside ? current : gatherBlockAt(segment.view, element, this.#windowBytes)
    const byteLength = block.windowElements * itemBytes
    if (!inside) {
      this.#block = undefined
      if (this.#buffer.length < byteLength) this.#buffer = allocate(byteLength, extent.name)
      await this.#fill(extent, segment.view, block)
      this.#segment = segment
      this.#block = block
    }
    return { block, window: this.#buffer.subarray(0, byteLength) }
  }

  async #fill(extent: ByteExtent, { itemBytes }: StridedView, block: GatherBlock): Promise<void> {
    const reads = runReads(block, itemBytes)
    const failures: unknown[] = []
    const readRuns = async (): Promise<void> => {
      let sieve: Uint8Array = new Uint8Array(0)
      for (let next = reads.next(); !next.done && failures.length === 0; next = reads.next()) {
        const { offset, length, at, pack } = next.value
        if (pack !== undefined && sieve.length < length) sieve = new Uint8Array(length)
        const target = pack === undefined ? this.#buffer.subarray(at, at + length) : sieve.subarray(0, length)
        await this.#read(extent, offset, target)
        pack?.(sieve, this.#buffer)
      }
    }
    // A deflated extent has one stream: its runs come one after the other.
    const lanes = extent.coding === "deflate" ? 1 : READS_IN_FLIGHT
    // One failure ends all lanes, and no read is under way when it is reported.
    await Promise.all(Array.from({ length: lanes }, () => readRuns().catch((error) => failures.push(error))))
    if (failures.length > 0) throw failures[0]
    const runBytes = block.runElements * itemBytes
    if (runBytes === extent.byteLength) this.#ledger.pass(extent, 0, this.#buffer.subarray(0, runBytes))
  }
}

interface OpenStream {
  readonly extent: ByteExtent
  readonly chunks: AsyncGenerator<Uint8Array>
  /** Decoded offset of the first byte of `rest`. */
  position: number
  /** Decoded bytes that have not been asked for. */
  rest: Uint8Array
}

/**
 * Random access to deflated extents, with one stream held open: reading forward is cheap, going back inflates again from the
 * start. Calls must not overlap.
 */
export class InflatedReader {
  readonly #budget: InflateBudget
  readonly #signal: AbortSignal | undefined
  readonly #inflate: InflateExtent
  #open: OpenStream | undefined

  constructor(
    budget: InflateBudget,
    signal: AbortSignal | undefined,
    inflate: InflateExtent | undefined = inflateExtent,
  ) {
    this.#inflate = inflate
    this.#budget = budget
    this.#signal = signal
  }

  /**
   * Fills `target` with the decoded bytes from `offset`, which lie within the extent.
   *
   * @throws as `inflateExtent`; `limit-exceeded` when the budget is spent.
   */
  async readInto(extent: ByteExtent, offset: number, target: Uint8Array): Promise<void> {
    const kept = this.#open
    const goesOn = kept !== undefined && kept.extent === extent && kept.position <= offset
    if (!goesOn) await this.close()
    const stream = goesOn ? kept : this.#start(extent)
    // A stream that fails is of no more use: it is kept only once the bytes are there.
    this.#open = undefined
    await this.#fill(stream, offset, target)
    // Running the decoder to its end makes it check that every byte was used.
    if (stream.position === extent.byteLength) await stream.chunks.next()
    else this.#open = stream
  }

  async close(): Promise<void> {
    const stream = this.#open
    this.#open = undefined
    await stream?.chunks.return(undefined)
  }

  #start(extent: ByteExtent): OpenStream {
    return { extent, chunks: this.#inflate(extent, this.#signal), position: 0, rest: new Uint8Array(0) }
  }

  async #fill(stream: OpenStream, offset: number, target: Uint8Array): Promise<void> {
    let filled = 0
    while (filled < target.length) {
      const skip = offset + filled - stream.position
      if (skip < stream.rest.length) {
        const part = stream.rest.subarray(skip, skip + target.length - filled)
        target.set(part, filled)
        filled += part.length
        stream.position += skip + part.length
        stream.rest = stream.rest.subarray(skip + part.length)
        continue
      }
      stream.position += stream.rest.length
      // The decoder throws unless the extent yields exactly its length, so there is a next chunk.
      stream.rest = (await stream.chunks.next()).value as Uint8Array
      this.#budget.take(stream.rest.length, stream.extent.name)
    }
  }
}

/** Bytes that may be inflated, all in all: going back in a deflated entry inflates it again, as often as a file asks. */
export class InflateBudget {
  readonly #allowed: number
  #taken = 0

  constructor(allowed: number) {
    this.#allowed = allowed
  }

  /** Begins anew: for work that is another request of the caller's own. */
  renew(): void {
    this.#taken = 0
  }

  /** @throws `limit-exceeded` when `bytes` more are too many. */
  take(bytes: number, within: string): void {
    this.#taken += bytes
    requireWithinScaled({ limit: "inflateRatio", allowed: this.#allowed }, this.#taken, within)
  }
}
