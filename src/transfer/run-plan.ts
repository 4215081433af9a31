/**
 * Carries out a plan: several chunks in flight, every output byte written once, checksums and length held at the end.
 *
 * Nothing is decided here. The sink becomes visible only when all that the plan says has been written and checked.
 */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import type { Crc32 } from "../bytes/crc32.ts"
import { explained, requireUnchanged } from "../bytes/read-exactly.ts"
import type { InflateExtent } from "../bytes/read-extent.ts"
import { turnIfDue } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ChecksumLedger } from "./checksum-ledger.ts"
import { ChunkProducer } from "./chunk-producer.ts"
import { InflateBudget } from "./chunk-reads.ts"
import {
  BLOB_SIZES,
  type Chunk,
  cutChunks,
  DEAR_SIZES,
  TRANSFER_SIZES,
  type TransferSizes,
} from "./cut-segments.ts"
import { OUTPUT_INCOMPLETE } from "./errors.ts"
import {
  type DirectSink,
  discardingSink,
  isDirectSink,
  planCheck,
  sourcesOf,
  type TransferPlan,
} from "./transfer-plan.ts"

/** How far a conversion is. It is done when both pairs are equal; neither count ever falls. */
export interface Progress {
  /** Bytes of the output that are where they belong. A Blob's slices of the input are from the beginning. */
  readonly written: number
  /** Bytes of the output. */
  readonly total: number
  /** Bytes of the input that were checked against the archive's checksums, most of them while they were written. */
  readonly checked: number
  /** Bytes of the input that will be. 0 where there are no checksums, and with `verify: "none"`. */
  readonly toCheck: number
}

export interface RunOptions {
  readonly crc32: Crc32
  /** Default: the portable one. */
  readonly inflate?: InflateExtent | undefined
  readonly signal?: AbortSignal | undefined
  /** Called after each chunk. What it throws ends the conversion and reaches the caller. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Default `TRANSFER_SIZES`, `DEAR_SIZES` where reads are dear, or `BLOB_SIZES`. */
  readonly sizes?: TransferSizes | undefined
  /** What the plan may inflate, where it is carried out in parts. Default: all that the plan allows. */
  readonly budget?: InflateBudget | undefined
}

/**
 * Writes the output of `plan` to `sink` and closes it, or aborts it and throws.
 *
 * @throws `truncated`, `read-failed`, `write-failed`, `checksum`, `inflate`, `input-changed`, `output-incomplete`,
 *   `limit-exceeded`; what the sink throws; the signal's reason when aborted.
 */
export async function runPlan(plan: TransferPlan, sink: ByteSink, options: RunOptions): Promise<void> {
  const { crc32, inflate, signal, sizes = sizesFor(plan) } = options
  const ledger = new ChecksumLedger(plan.checkedExtents, crc32)
  const budget = options.budget ?? new InflateBudget(plan.maxInflatedBytes)
  const producer = new ChunkProducer(plan, { ledger, budget, inflate, sizes, signal })
  producer.assignChecksums(plan.segments)
  try {
    signal?.throwIfAborted()
    await sink.open?.(plan.byteLength)
    await new PlanRun(plan, sink, producer, ledger, { ...options, sizes }).run()
    await checkRest(plan, sink, ledger, { ...options, sizes, budget })
    await requireSourcesUnchanged(plan, signal)
    signal?.throwIfAborted()
    await sink.close()
  } catch (thrown) {
    let error: unknown = thrown
    for (const source of sourcesOf(plan)) error = await explained(error, source, signal)
    await abortSink(sink, error)
    throw error
  } finally {
    await producer.close()
  }
}

/** Reads the extents whose bytes did not all pass, for their checksums alone. */
async function checkRest(
  plan: TransferPlan,
  sink: ByteSink,
  ledger: ChecksumLedger,
  { onProgress, ...options }: RunOptions,
): Promise<void> {
  const rest = planCheck(ledger.unchecked())
  if (rest.segments.length === 0) return
  const total = plan.byteLength
  const toCheck = ledger.byteLength
  // Some bytes pass twice, when only a part of an extent had passed.
  const passed = ledger.passedBytes
  const tell = ({ written }: Progress): void => {
    const checked = Math.max(passed, toCheck - rest.byteLength + written)
    onProgress?.({ written: total, total, checked, toCheck })
  }
  await runPlan({ ...plan, ...rest }, discardingSink(sink), { ...options, onProgress: tell })
}

/** Aborts `sink` because of `error`. */
export async function abortSink(sink: ByteSink, error: unknown): Promise<void> {
  try {
    await sink.abort(error)
  } catch {
    // The first failure is what gets reported; one of the clean-up would only hide it.
  }
}

/** @throws `input-changed`, `read-failed`; the signal's reason when aborted. */
export async function requireSourcesUnchanged(
  plan: TransferPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const source of sourcesOf(plan)) await requireUnchanged(source, signal)
}

/** How much is moved at a time, where nobody says. */
export function sizesFor(plan: TransferPlan): TransferSizes {
  const sources = Array.from(sourcesOf(plan))
  if (sources.some(({ readCost }) => readCost === "high")) return DEAR_SIZES
  return sources.some(({ blob }) => blob !== undefined) ? BLOB_SIZES : TRANSFER_SIZES
}

/** The moving part of one run: buffers, writes under way, and the count of what was written. */
class PlanRun {
  readonly #plan: TransferPlan
  readonly #sink: ByteSink
  readonly #directSink: DirectSink | undefined
  readonly #producer: ChunkProducer
  readonly #ledger: ChecksumLedger
  readonly #options: RunOptions
  readonly #sizes: TransferSizes
  readonly #freeBuffers: Uint8Array<ArrayBuffer>[] = []
  readonly #inFlight = new Set<Promise<void>>()
  /** Resolves when the last write of a sink without random access has. */
  #lastWrite: Promise<void> = Promise.resolve()
  #written = 0
  #failure: { readonly error: unknown } | undefined

  constructor(
    plan: TransferPlan,
    sink: ByteSink,
    producer: ChunkProducer,
    ledger: ChecksumLedger,
    options: RunOptions,
  ) {
    this.#plan = plan
    this.#sink = sink
    this.#directSink = isDirectSink(sink) ? sink : undefined
    this.#producer = producer
    this.#ledger = ledger
    this.#options = options
    this.#sizes = options.sizes ?? TRANSFER_SIZES
  }

  async run(): Promise<void> {
    try {
      await this.#startAll()
    } catch (error) {
      this.#fail(error)
    }
    // After a failure too: a sink is aborted only when nothing is being written to it.
    await Promise.all(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#written !== this.#plan.byteLength) throw this.#incomplete(this.#written)
  }

  async #startAll(): Promise<void> {
    this.#requireTiling()
    // A network is waited for anyway, and joins what is asked of it in one turn.
    const turns = Array.from(sourcesOf(this.#plan)).every(({ readCost }) => readCost !== "high")
    const takenOver = (extent: ByteExtent): boolean => this.#isTakenOver(extent)
    for (const chunk of cutChunks(this.#plan, this.#sizes, takenOver)) {
      while (this.#inFlight.size >= this.#sizes.chunksInFlight) await Promise.race(this.#inFlight)
      if (turns) await turnIfDue(this.#options.signal)
      if (this.#failure !== undefined) return
      this.#options.signal?.throwIfAborted()
      await this.#start(chunk)
    }
  }

  /** Chunks follow one another whatever the segments say of their places. */
  #requireTiling(): void {
    const { segments, byteLength } = this.#plan
    let end = 0
    for (const { start, length } of segments) {
      if (start !== end) throw this.#incomplete(end)
      end += length
    }
    if (end !== byteLength) throw this.#incomplete(end)
  }

  #isTakenOver({ coding, source }: ByteExtent): boolean {
    return coding === "stored" && this.#directSink?.drawsFrom(source) === true
  }

  /** Starts a chunk; a serial one is produced, though perhaps not yet written, when this resolves. */
  async #start(chunk: Chunk): Promise<void> {
    if (chunk.direct && this.#directSink !== undefined) {
      this.#track(this.#producer.handOver(chunk, this.#directSink).then(() => this.#count(chunk)))
      return
    }
    const place = this.#placeFor(chunk)
    if (place !== undefined) {
      const produced = this.#producer.produce(chunk, place)
      this.#track(produced.then(() => this.#count(chunk)))
      if (chunk.serial) await produced.catch((error: unknown) => this.#fail(error))
      return
    }
    const buffer = this.#freeBuffers.pop() ?? new Uint8Array(this.#bufferBytes())
    const bytes = buffer.subarray(0, chunk.length)
    const produced = this.#producer.produce(chunk, bytes)
    this.#track(this.#finish(chunk, bytes, produced).finally(() => this.#release(buffer)))
    if (chunk.serial) await produced.catch((error: unknown) => this.#fail(error))
  }

  /** A sink of the caller's may have transferred it to another thread. */
  #release(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength > 0) this.#freeBuffers.push(buffer)
  }

  /** Where the sink itself holds the chunk. Elements that are picked want a place that is aligned, as a buffer is. */
  #placeFor({ pieces, start, length }: Chunk): Uint8Array<ArrayBuffer> | undefined {
    if (pieces.some(({ segment }) => segment.kind === "gather")) return undefined
    return this.#sink.placeFor?.(start, length)
  }

  #track(work: Promise<void>): void {
    const task: Promise<void> = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#inFlight.delete(task))
    this.#inFlight.add(task)
  }

  /** A small output needs no large buffer. */
  #bufferBytes(): number {
    return Math.min(this.#sizes.chunkBytes, this.#plan.byteLength)
  }

  async #finish(chunk: Chunk, bytes: Uint8Array, produced: Promise<void>): Promise<void> {
    if (this.#sink.randomAccess) {
      await produced
      await this.#write(chunk, bytes)
    } else {
      const before = this.#lastWrite
      const write = produced.then(() => before).then(() => this.#write(chunk, bytes))
      this.#lastWrite = write
      await write
    }
  }

  async #write(chunk: Chunk, bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return
    this.#options.signal?.throwIfAborted()
    await this.#sink.write(chunk.start, bytes)
    this.#count(chunk)
  }

  #count(chunk: Chunk): void {
    this.#written += chunk.length
    if (this.#failure !== undefined) return
    const { passedBytes: checked, byteLength: toCheck } = this.#ledger
    this.#options.onProgress?.({ written: this.#written, total: this.#plan.byteLength, checked, toCheck })
  }

  /** The first failure is what gets reported. */
  #fail(error: unknown): void {
    this.#failure ??= { error }
  }

  #incomplete(written: number): CheckpointError {
    return new CheckpointError(OUTPUT_INCOMPLETE, { expected: this.#plan.byteLength, written })
  }
}
