/**
 * Carries out a plan: several chunks in flight, every output byte written once, checksums and length held at the end.
 *
 * Nothing is decided here. The sink becomes visible only when all that the plan says has been written and checked.
 */

import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import type { Crc32 } from "../bytes/crc32.ts"
import { CheckpointError } from "../errors.ts"
import type { ConversionPlan } from "../plan/conversion-plan.ts"
import { ChecksumLedger } from "./checksum-ledger.ts"
import { ChunkProducer } from "./chunk-producer.ts"
import type { Chunk } from "./cut-chunks.ts"
import { CHUNK_BYTES, cutChunks } from "./cut-chunks.ts"

/** Chunks in flight. More gain nothing with Node's four threads for files, and each costs a buffer. */
const CHUNKS_IN_FLIGHT = 4

/** How far a conversion is. Both are bytes of the output. */
export interface Progress {
  readonly written: number
  readonly total: number
}

/** The part of a plan that moving bytes needs. */
export type TransferPlan = Pick<ConversionPlan, "segments" | "byteLength" | "checkedExtents">

export interface RunOptions {
  readonly crc32: Crc32
  readonly signal?: AbortSignal | undefined
  /** Called after each chunk. What it throws ends the conversion and reaches the caller. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Writes the output of `plan` to `sink` and closes it, or aborts it and throws.
 *
 * @throws `truncated`, `read-failed`, `write-failed`, `checksum`, `inflate`, `input-changed`, `output-incomplete`; the
 *   signal's reason when aborted.
 */
export async function runPlan(plan: TransferPlan, sink: ByteSink, options: RunOptions): Promise<void> {
  const ledger = new ChecksumLedger(plan.checkedExtents, options.crc32)
  const producer = new ChunkProducer(plan.segments, ledger, options.signal)
  try {
    options.signal?.throwIfAborted()
    await sink.open?.(plan.byteLength)
    await new PlanRun(plan, sink, producer, options).run()
    const buffer = new Uint8Array(CHUNK_BYTES)
    for (const extent of ledger.unchecked()) await producer.check(extent, buffer)
    for (const source of sourcesOf(plan)) await source.assertUnchanged?.()
    options.signal?.throwIfAborted()
    await sink.close()
  } catch (error) {
    // The first failure is what gets reported; one of the clean-up would only hide it.
    await sink.abort(error).catch(() => {})
    throw error
  } finally {
    await producer.close()
  }
}

function sourcesOf({ segments }: TransferPlan): ReadonlySet<ByteSource> {
  return new Set(segments.flatMap((segment) => (segment.kind === "literal" ? [] : [segment.extent.source])))
}

/** The moving part of one run: buffers, writes under way, and the count of what was written. */
class PlanRun {
  readonly #plan: TransferPlan
  readonly #sink: ByteSink
  readonly #producer: ChunkProducer
  readonly #options: RunOptions
  readonly #freeBuffers: Uint8Array<ArrayBuffer>[] = []
  readonly #inFlight = new Set<Promise<void>>()
  /** Resolves when the last write of a sink without random access has. */
  #lastWrite: Promise<void> = Promise.resolve()
  #written = 0
  #failure: { readonly error: unknown } | undefined

  constructor(plan: TransferPlan, sink: ByteSink, producer: ChunkProducer, options: RunOptions) {
    this.#plan = plan
    this.#sink = sink
    this.#producer = producer
    this.#options = options
  }

  async run(): Promise<void> {
    let position = 0
    for (const chunk of cutChunks(this.#plan.segments)) {
      if (chunk.start !== position) throw this.#incomplete(position)
      position += chunk.length
      while (this.#inFlight.size >= CHUNKS_IN_FLIGHT) await Promise.race(this.#inFlight)
      if (this.#failure !== undefined) break
      this.#options.signal?.throwIfAborted()
      await this.#start(chunk)
    }
    await Promise.all(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#written !== this.#plan.byteLength) throw this.#incomplete(this.#written)
  }

  /** Starts a chunk; a serial one is produced, though perhaps not yet written, when this resolves. */
  async #start(chunk: Chunk): Promise<void> {
    const buffer = this.#freeBuffers.pop() ?? new Uint8Array(CHUNK_BYTES)
    const bytes = buffer.subarray(0, chunk.length)
    const produced = this.#producer.produce(chunk, bytes)
    const task: Promise<void> = this.#finish(chunk, bytes, produced)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#freeBuffers.push(buffer)
        this.#inFlight.delete(task)
      })
    this.#inFlight.add(task)
    // A failure is kept by the task and stops the loop.
    if (chunk.serial) await produced.catch(() => {})
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
    this.#options.onProgress?.({ written: this.#written, total: this.#plan.byteLength })
  }

  async #write(chunk: Chunk, bytes: Uint8Array): Promise<void> {
    this.#options.signal?.throwIfAborted()
    await this.#sink.write(chunk.start, bytes)
    this.#written += chunk.length
  }

  #incomplete(written: number): CheckpointError {
    return new CheckpointError("output-incomplete", { expected: this.#plan.byteLength, written })
  }
}
