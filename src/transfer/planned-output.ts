/**
 * The output of a plan, as a source that was never written: any part of it is made when it is read.
 *
 * What can be copied is read straight from the input, and reads of it go side by side. What is inflated or picked through
 * a window is made one piece after the other, so that one window and one inflater are held and going on is cheap.
 */

import type { ByteSource } from "../bytes/byte-source.ts"
import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import { allocate } from "../bytes/failures.ts"
import { type ByteRange, explained } from "../bytes/read-exactly.ts"
import { turnIfDue, unlessAborted } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Segment } from "../plan/plan.ts"
import { OrderedChecksums } from "./checksum-ledger.ts"
import { ChunkProducer, type ProducerParts } from "./chunk-producer.ts"
import { InflateBudget } from "./chunk-reads.ts"
import { type Chunk, cutRange, type Piece, type RangePiece } from "./cut-segments.ts"
import { type RunOptions, requireSourcesUnchanged, sizesFor } from "./run-plan.ts"
import { sourcesOf, type TransferPlan } from "./transfer-plan.ts"

/** Pieces that are made together. */
const MOST_PIECES = 1024

/** Random access to what a conversion would write. */
export class PlannedOutput implements ByteSource {
  /** Length of the whole output. */
  readonly byteLength: number
  readonly readCost: "low" | "high"
  readonly #plan: TransferPlan
  readonly #parts: Omit<ProducerParts, "signal">
  /** Makes what is made one piece after the other. */
  readonly #serial: ChunkProducer
  #lastSerial: Promise<unknown> = Promise.resolve()

  constructor(plan: TransferPlan, { crc32, inflate, sizes = sizesFor(plan) }: RunOptions) {
    this.byteLength = plan.byteLength
    this.readCost = Array.from(sourcesOf(plan)).some(({ readCost }) => readCost === "high") ? "high" : "low"
    this.#plan = plan
    const ledger = new OrderedChecksums(plan.checkedExtents, crc32)
    this.#parts = { ledger, budget: new InflateBudget(plan.maxInflatedBytes), inflate, sizes }
    this.#serial = new ChunkProducer(plan, { ...this.#parts, signal: undefined })
  }

  /**
   * The bytes of `[offset, offset + length)` of the output: the same that a conversion writes. It takes `length` bytes of
   * memory, and up to 64 MiB where strided tensors are picked.
   *
   * A storage is checked against its checksum when it is read whole, at once or by reads in order; parts that are read by
   * themselves are not. Where it lies deflated, reading from its middle inflates it from its beginning.
   *
   * @throws `invalid-argument` for a range that is not of the output; `limit-exceeded`; and as a conversion does.
   */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    this.#requireInside(offset, length)
    signal?.throwIfAborted()
    const bytes = allocate(length, "the output")
    const segments = this.#overlapping(offset, offset + length)
    const part = { ...this.#plan, segments }
    try {
      await this.#fill({ offset, length }, part, { bytes, signal })
      await requireSourcesUnchanged(part, signal)
      return bytes
    } catch (thrown) {
      let error: unknown = thrown
      for (const source of sourcesOf(part)) error = await explained(error, source, signal)
      throw error
    }
  }

  /** @throws `input-changed` when the input is another one by now. */
  async assertUnchanged(): Promise<void> {
    await requireSourcesUnchanged(this.#plan, undefined)
  }

  /** Lets go of what is held between reads. The checkpoint stays open. */
  async close(): Promise<void> {
    await this.#serial.close()
  }

  async #fill(range: ByteRange, part: TransferPlan, made: Made): Promise<void> {
    const { bytes, signal } = made
    const parallel = new ChunkProducer(this.#plan, { ...this.#parts, signal })
    let batch: RangePiece[] = []
    let batchLength = 0
    const makeBatch = async (): Promise<void> => {
      await parallel.produce(asChunk(batch), bytes)
      batch = []
      batchLength = 0
    }
    for (const piece of cutRange(part, range, this.#parts.sizes)) {
      signal?.throwIfAborted()
      if (this.readCost === "low") await turnIfDue(signal)
      if (piece.serial) await this.#makeSerially(piece, made)
      else if (piece.taken < piece.length) await takePart(parallel, piece, bytes)
      else {
        batch.push(piece)
        batchLength += piece.length
        const full = batchLength >= this.#parts.sizes.chunkBytes || batch.length === MOST_PIECES
        if (full) await makeBatch()
      }
    }
    await makeBatch()
  }

  /** Waits its turn. A piece that nobody waits for any more is made to its end: it is a chunk at most. */
  #makeSerially(piece: RangePiece, { bytes, signal }: Made): Promise<void> {
    const turn = this.#lastSerial.then(() => {
      signal?.throwIfAborted()
      this.#parts.budget.renew()
      return takePart(this.#serial, piece, bytes)
    })
    this.#lastSerial = turn.catch(() => {})
    return unlessAborted(turn, signal)
  }

  /** Segments that hold bytes of `[start, end)`. */
  #overlapping(start: number, end: number): readonly Segment[] {
    const { segments } = this.#plan
    // The first segment that ends behind `start`, by halving.
    let first = 0
    for (let last = segments.length; first < last; ) {
      const middle = (first + last) >>> 1
      const segment = segments[middle] as Segment
      if (segment.start + segment.length > start) last = middle
      else first = middle + 1
    }
    let behind = first
    while ((segments[behind]?.start ?? end) < end) behind++
    return segments.slice(first, behind)
  }

  #requireInside(offset: number, length: number): void {
    const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
    if (inside && offset + length <= this.byteLength) return
    const problem = `there are no ${length} bytes from ${offset} on: the output has ${this.byteLength}`
    throw new CheckpointError(INVALID_ARGUMENT, { argument: "offset, length", problem })
  }
}

/** Where bytes are made, and until when. */
interface Made {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly signal: AbortSignal | undefined
}

function asChunk(pieces: readonly Piece[]): Chunk {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return { start: 0, length, pieces, serial: false, direct: false }
}

/** Makes a piece beside `bytes`, where it may be more than is wanted and lie at any address. */
async function takePart(
  producer: ChunkProducer,
  piece: RangePiece,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const scratch = new Uint8Array(piece.length)
  await producer.produce(asChunk([{ ...piece, target: 0 }]), scratch)
  bytes.set(scratch.subarray(piece.skipped, piece.skipped + piece.taken), piece.target)
}
