/** Makes the bytes of a chunk: copies and gathers, with checksums taken as whole extents pass. */

import { type ByteExtent, locateExtents } from "../bytes/byte-extent.ts"
import { readExactlyInto } from "../bytes/read-exactly.ts"
import type { InflateExtent } from "../bytes/read-extent.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { CopySegment, GatherSegment, Segment } from "../plan/plan.ts"
import { pickElements, transformElements } from "../strided/elements.ts"
import { spanOf } from "../strided/view.ts"
import type { ChecksumLedger } from "./checksum-ledger.ts"
import {
  GatherWindow,
  type InflateBudget,
  InflatedReader,
  type ReadRequest,
  readRequests,
} from "./chunk-reads.ts"
import { type Chunk, isLargeGather, type Piece, type TransferSizes } from "./cut-segments.ts"
import { OUTPUT_INCOMPLETE } from "./errors.ts"
import { type CopyRange, type DirectSink, extentOf, type TransferPlan } from "./transfer-plan.ts"

/** What the chunks of one plan are made with. */
export interface ProducerParts {
  readonly ledger: ChecksumLedger
  readonly budget: InflateBudget
  readonly inflate: InflateExtent | undefined
  readonly sizes: TransferSizes
  readonly signal: AbortSignal | undefined
}

const nothing = (): void => {}

/** Produces the chunks of one plan. Those that are not `serial` may be produced side by side. */
export class ChunkProducer {
  readonly #header: Uint8Array
  readonly #extents: readonly ByteExtent[]
  readonly #ledger: ChecksumLedger
  readonly #sizes: TransferSizes
  readonly #signal: AbortSignal | undefined
  readonly #inflated: InflatedReader
  readonly #window: GatherWindow
  readonly #passRead = ({ extent, offset }: ReadRequest, bytes: Uint8Array): void => {
    this.#ledger.pass(extent, offset, bytes)
  }

  constructor(plan: TransferPlan, { ledger, budget, inflate, sizes, signal }: ProducerParts) {
    this.#header = plan.header
    this.#extents = plan.extents
    this.#ledger = ledger
    this.#sizes = sizes
    this.#signal = signal
    this.#inflated = new InflatedReader(budget, signal, inflate)
    const read = this.#read.bind(this)
    this.#window = new GatherWindow(read, ledger, sizes.windowBytes)
  }

  /** Has the checksum of each extent taken from the first of `segments` that copies all of it. */
  assignChecksums(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if (segment.kind !== "copy") continue
      const extent = this.#extentOf(segment)
      if (segment.length === extent.byteLength) this.#ledger.assign(extent, segment)
    }
  }

  /** Fills `target`, which has the chunk's length. */
  async produce(chunk: Chunk, target: Uint8Array<ArrayBuffer>): Promise<void> {
    const apart = this.#soughtApart(chunk)
    if (apart.length > 0) await locateExtents(apart, this.#signal)
    const requests: ReadRequest[] = []
    let filled = 0
    for (const piece of chunk.pieces) {
      const { segment, offset, length } = piece
      filled += length
      if (segment.kind === "copy" && this.#extentOf(segment).coding === "stored") {
        requests.push(this.#copyRequest(segment, piece, target))
        continue
      }
      const part = target.subarray(piece.target, piece.target + length)
      if (segment.kind === "header") part.set(this.#header.subarray(offset, offset + length))
      else if (segment.kind === "copy") await this.#copyInflated(segment, offset, part)
      else if (isLargeGather(segment, this.#sizes)) await this.#gatherLarge(segment, piece, part)
      else await this.#gatherSmall(segment, part, requests)
    }
    if (filled !== chunk.length) {
      throw new CheckpointError(OUTPUT_INCOMPLETE, { expected: chunk.length, written: filled })
    }
    if (requests.length > 0) await readRequests(requests, this.#signal)
  }

  /** Extents that have to be found before they are read. The others are found while their bytes are fetched. */
  #soughtApart({ pieces }: Chunk): readonly ByteExtent[] {
    const sought: ByteExtent[] = []
    for (const { segment } of pieces) {
      const extent = extentOf(segment, this.#extents)
      if (extent?.locator === undefined) continue
      const byItself = segment.kind === "gather" && isLargeGather(segment, this.#sizes)
      if (byItself || extent.coding === "deflate") sought.push(extent)
    }
    return sought
  }

  /** Has the sink make and write a chunk that is `direct`. */
  async handOver(chunk: Chunk, sink: DirectSink): Promise<void> {
    const [piece] = chunk.pieces
    if (piece?.segment.kind === "gather") return this.#handOverGather(piece.segment, piece, chunk.start, sink)
    const parts: { readonly extent: ByteExtent; readonly offset: number }[] = []
    const ranges: CopyRange[] = []
    for (const { segment, offset, length } of chunk.pieces) {
      if (segment.kind !== "copy") break
      const extent = this.#extentOf(segment)
      const offsetInExtent = segment.offsetInExtent + offset
      parts.push({ extent, offset: offsetInExtent })
      const checksum = this.#ledger.isAssigned(extent, segment)
      ranges.push({ offset: extent.offset + offsetInExtent, length, checksum })
    }
    const source = parts[0]?.extent.source
    if (source === undefined || parts.length < chunk.pieces.length) {
      throw new CheckpointError(OUTPUT_INCOMPLETE, { expected: chunk.length, written: 0 })
    }
    const checksums = await sink.copyFrom({ source, position: chunk.start, ranges })
    for (let i = 0; i < ranges.length; i++) {
      const { length, checksum } = ranges[i] as CopyRange
      const { extent, offset } = parts[i] as (typeof parts)[number]
      if (checksum) this.#ledger.passChecksum(extent, offset, length, checksums[i] as number)
    }
  }

  async #handOverGather(
    segment: GatherSegment,
    { offset, length }: Piece,
    position: number,
    sink: DirectSink,
  ): Promise<void> {
    const { view, transform } = segment
    const { itemBytes } = view
    const extent = this.#extentOf(segment)
    const elements = { firstElement: offset / itemBytes, elementCount: length / itemBytes }
    const { directWindowBytes: windowBytes } = this.#sizes
    const checksum = this.#ledger.isUnchecked(extent)
    const crc = await sink.gatherFrom({
      extent,
      view,
      transform,
      ...elements,
      windowBytes,
      position,
      checksum,
    })
    if (crc !== undefined) this.#ledger.passChecksum(extent, 0, extent.byteLength, crc)
  }

  close(): Promise<void> {
    return this.#inflated.close()
  }

  #extentOf({ extent }: CopySegment | GatherSegment): ByteExtent {
    return this.#extents[extent] as ByteExtent
  }

  /** Many small tensors share a chunk, so this makes neither a promise, nor a function, nor a view for each. */
  #copyRequest(segment: CopySegment, piece: Piece, target: Uint8Array<ArrayBuffer>): ReadRequest {
    const { offsetInExtent } = segment
    const extent = this.#extentOf(segment)
    const done = this.#ledger.isAssigned(extent, segment) ? this.#passRead : nothing
    return {
      extent,
      offset: offsetInExtent + piece.offset,
      length: piece.length,
      target,
      at: piece.target,
      done,
    }
  }

  async #copyInflated(segment: CopySegment, offset: number, target: Uint8Array<ArrayBuffer>): Promise<void> {
    const extent = this.#extentOf(segment)
    const offsetInExtent = segment.offsetInExtent + offset
    await this.#inflated.readInto(extent, offsetInExtent, target)
    if (this.#ledger.isAssigned(extent, segment)) this.#ledger.pass(extent, offsetInExtent, target)
  }

  async #gatherLarge(segment: GatherSegment, piece: Piece, part: Uint8Array<ArrayBuffer>): Promise<void> {
    const { itemBytes } = segment.view
    const first = piece.offset / itemBytes
    const { block, window } = await this.#window.load(segment, this.#extentOf(segment), first)
    pickElements({ ...block, window, itemBytes }, first - block.firstElement, part)
    transformElements(part, segment.transform)
  }

  /** The whole view fits into a few kilobytes: read its span, pick all of it. */
  async #gatherSmall(
    segment: GatherSegment,
    part: Uint8Array<ArrayBuffer>,
    requests: ReadRequest[],
  ): Promise<void> {
    const { view, transform, length } = segment
    const extent = this.#extentOf(segment)
    const window = new Uint8Array(spanOf(view) * view.itemBytes)
    const offset = view.elementOffset * view.itemBytes
    const done = (): void => {
      if (window.length === extent.byteLength) this.#ledger.pass(extent, 0, window)
      // Picked beside the chunk, because its place in the chunk need not be aligned.
      const picked = new Uint8Array(length)
      pickElements({ ...view, window }, 0, picked)
      transformElements(picked, transform)
      part.set(picked)
    }
    if (extent.coding === "stored") {
      requests.push({ extent, offset, length: window.length, target: window, at: 0, done })
      return
    }
    await this.#inflated.readInto(extent, offset, window)
    done()
  }

  #read(extent: ByteExtent, offset: number, target: Uint8Array): Promise<void> {
    if (extent.coding === "deflate") return this.#inflated.readInto(extent, offset, target)
    return readExactlyInto(extent.source, extent.offset + offset, target, this.#signal, extent.name)
  }
}
