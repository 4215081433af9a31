/**
 * Cuts the segments of a plan: all of them into chunks, which are produced and written in one go, or a range of the output
 * into pieces that can be made, where elements stay whole and a small gather is made whole.
 *
 * Many small tensors share a chunk, a large one takes many. Elements are never split, and a large gather has its
 * chunks to itself, cut where its windows end. What the sink takes over has chunks of its own as well, large ones.
 */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import type { ByteRange } from "../bytes/read-exactly.ts"
import type { GatherSegment, Segment } from "../plan/plan.ts"
import { GATHER_WINDOW_BYTES, gatherBlockAt, SMALL_GATHER_BYTES } from "../strided/blocks.ts"
import { spanOf } from "../strided/view.ts"
import { extentOf, type TransferPlan } from "./transfer-plan.ts"

/** A part of a segment. */
export interface Piece {
  readonly segment: Segment
  /** First byte in the segment. */
  readonly offset: number
  readonly length: number
  /** Byte in the chunk where it goes. */
  readonly target: number
}

/** What is made, and the part of it that is wanted. */
export interface RangePiece extends Piece {
  /** Bytes at its beginning that are not wanted. */
  readonly skipped: number
  /** Bytes that are. They go to `target`, a byte in the range. */
  readonly taken: number
  /** True for what holds a window, or inflates. */
  readonly serial: boolean
}

/** A range of the output and the pieces that tile it. */
export interface Chunk {
  /** Byte offset in the output. */
  readonly start: number
  readonly length: number
  readonly pieces: readonly Piece[]
  /** True when it must be produced before the next one begins: it holds a window, or inflates. */
  readonly serial: boolean
  /** True when the sink takes it over: copies from one source, or elements of one block of a large gather. */
  readonly direct: boolean
}

/** Pieces of a chunk that the sink takes over: their list is passed on, and each is read on its own. */
const MOST_DIRECT_PIECES = 4096

/** Segments, and what they draw from. */
type Drawing = Pick<TransferPlan, "segments" | "extents">

/** Whether the sink takes over what is drawn from this extent. It is not asked about small gathers. */
type IsTakenOver = (extent: ByteExtent) => boolean

/** The chunks of `segments`, which must follow one another without a gap. */
export function* cutChunks(
  { segments, extents }: Drawing,
  sizes: TransferSizes,
  isTakenOver: IsTakenOver = () => false,
): Generator<Chunk> {
  const { chunkBytes, directBytes } = sizes
  let pieces: Piece[] = []
  let start = segments[0]?.start ?? 0
  let length = 0
  let serial = false
  let direct = false
  let source: ByteSource | undefined
  const take = (): Chunk => {
    const chunk = { start, length, pieces, serial, direct }
    start += length
    pieces = []
    length = 0
    serial = false
    return chunk
  }
  for (const segment of segments) {
    const extent = extentOf(segment, extents)
    if (segment.kind === "gather" && isLargeGather(segment, sizes)) {
      if (length > 0) yield take()
      yield* cutLargeGather(segment, sizes, extent !== undefined && isTakenOver(extent))
      start += segment.length
      continue
    }
    const takenOver = segment.kind === "copy" && extent !== undefined && isTakenOver(extent)
    const goesOn = takenOver === direct && (!direct || extent?.source === source)
    const fits = segment.kind !== "gather" || length + segment.length <= chunkBytes
    if (length > 0 && !(goesOn && fits)) yield take()
    direct = takenOver
    source = extent?.source
    for (let offset = 0; offset < segment.length; ) {
      // What is taken over is cut where the output is a multiple: so are the blocks that it is written in.
      const room = direct ? directBytes - ((start + length) % directBytes) : chunkBytes - length
      const part = Math.min(room, segment.length - offset)
      pieces.push({ segment, offset, length: part, target: length })
      serial ||= extent?.coding === "deflate"
      offset += part
      length += part
      if (part === room || (direct && pieces.length === MOST_DIRECT_PIECES)) yield take()
    }
  }
  if (length > 0) yield take()
}

/** Chunks that end where a block does, so that each needs one window. */
function* cutLargeGather(segment: GatherSegment, sizes: TransferSizes, direct: boolean): Generator<Chunk> {
  const windowBytes = direct ? sizes.directWindowBytes : sizes.windowBytes
  // A view that repeats elements has far more output than window, and to load that again costs little.
  const most = direct ? wholeElements(segment, windowBytes) : sizes.chunkBytes
  for (let offset = 0, length = 0; offset < segment.length; offset += length) {
    length = Math.min(most, bytesToBlockEnd(segment, offset, windowBytes))
    const pieces = [{ segment, offset, length, target: 0 }]
    yield { start: segment.start + offset, length, pieces, serial: !direct, direct }
  }
}

/** Bytes of as many elements as `bytes` hold. */
function wholeElements({ view }: GatherSegment, bytes: number): number {
  return Math.floor(bytes / view.itemBytes) * view.itemBytes
}

/** Whether a gather needs a window of its own. */
export function isLargeGather({ view, length }: GatherSegment, { smallGatherBytes }: TransferSizes): boolean {
  return length > smallGatherBytes || spanOf(view) * view.itemBytes > smallGatherBytes
}

/** From byte `offset`, where an element begins, to where the window of its block ends. */
function bytesToBlockEnd({ view }: GatherSegment, offset: number, windowBytes: number): number {
  const element = offset / view.itemBytes
  const block = gatherBlockAt(view, element, windowBytes)
  return (block.firstElement + block.elementCount - element) * view.itemBytes
}

/** The pieces for `range`, in order. All of `segments` overlap it, and together they cover it. */
export function* cutRange(
  { segments, extents }: Drawing,
  range: ByteRange,
  sizes: TransferSizes,
): Generator<RangePiece> {
  for (const segment of segments) {
    const from = Math.max(0, range.offset - segment.start)
    const to = Math.min(segment.length, range.offset + range.length - segment.start)
    const inflates = extentOf(segment, extents)?.coding === "deflate"
    const serial = inflates || (segment.kind === "gather" && isLargeGather(segment, sizes))
    for (let wanted = from; wanted < to; ) {
      const { offset, end } = pieceAt(segment, inflates, wanted, to, sizes)
      const stop = Math.min(end, to)
      const target = segment.start + wanted - range.offset
      const length = end - offset
      yield { segment, offset, length, target, skipped: wanted - offset, taken: stop - wanted, serial }
      wanted = stop
    }
  }
}

/** The piece that begins with byte `wanted` of the segment, or with what has to be made before it. */
function pieceAt(
  segment: Segment,
  inflates: boolean,
  wanted: number,
  to: number,
  sizes: TransferSizes,
): { readonly offset: number; readonly end: number } {
  if (segment.kind === "gather") return gatherPieceAt(segment, wanted, to, sizes)
  return { offset: wanted, end: inflates ? Math.min(to, wanted + sizes.chunkBytes) : to }
}

function gatherPieceAt(
  segment: GatherSegment,
  wanted: number,
  to: number,
  sizes: TransferSizes,
): { readonly offset: number; readonly end: number } {
  if (!isLargeGather(segment, sizes)) return { offset: 0, end: segment.length }
  const { itemBytes } = segment.view
  const offset = wanted - (wanted % itemBytes)
  const wholeEnd = Math.ceil(to / itemBytes) * itemBytes
  const most = Math.max(itemBytes, wholeElements(segment, sizes.chunkBytes))
  const length = Math.min(bytesToBlockEnd(segment, offset, sizes.windowBytes), most, wholeEnd - offset)
  return { offset, end: offset + length }
}

/**
 * How much is held in memory at a time: bytes, but for the count of chunks. A conversion takes the defaults; a test takes
 * less, to cross every boundary.
 */
export interface TransferSizes {
  /** Output of one chunk. A multiple of 16, so that no element is split. */
  readonly chunkBytes: number
  /** Chunks that are made and written at the same time. Each has a buffer. */
  readonly chunksInFlight: number
  /** A gather up to this size, in output and in span, is produced within a chunk that it shares. At most a chunk. */
  readonly smallGatherBytes: number
  /** Output of one chunk of copies that the sink takes over. */
  readonly directBytes: number
  /** The part of a storage that a large gather holds. At least 16: one element. */
  readonly windowBytes: number
  /** The same where a sink takes the gather over, which may hold several. At least 16. */
  readonly directWindowBytes: number
}

const KiB = 1024
const MiB = 1024 * KiB

/** The defaults, frozen. */
export const TRANSFER_SIZES: TransferSizes = /* @__PURE__ */ Object.freeze({
  // Larger chunks gain nothing (measured from 256 KiB to 8 MiB), and several are in flight.
  chunkBytes: 1 * MiB,
  // More gain nothing with Node's four threads for files.
  chunksInFlight: 4,
  smallGatherBytes: SMALL_GATHER_BYTES,
  // Long enough that asking costs nothing, short enough that progress moves and an abort is felt.
  directBytes: 8 * MiB,
  windowBytes: GATHER_WINDOW_BYTES,
  directWindowBytes: GATHER_WINDOW_BYTES / 2,
})

/** Where a read costs far more than its bytes: fewer and larger ones. Four chunks in flight take 32 MiB. */
export const DEAR_SIZES: TransferSizes = /* @__PURE__ */ Object.freeze({
  ...TRANSFER_SIZES,
  chunkBytes: 8 * MiB,
})

/**
 * Out of a Blob each read goes through another process of the browser, and so does each write of a file. In Chromium, four
 * chunks of 1 MiB took a third longer; four of 4 MiB took as long as two, and twice the memory.
 */
export const BLOB_SIZES: TransferSizes = /* @__PURE__ */ Object.freeze({
  ...TRANSFER_SIZES,
  chunkBytes: 4 * MiB,
  chunksInFlight: 2,
})
