/** Cuts a range of an output into pieces that can be made: elements stay whole, and a small gather is made whole. */

import type { ByteRange } from "../bytes/read-exactly.ts"
import type { GatherSegment, Segment } from "../plan/segments.ts"
import type { Piece } from "./cut-chunks.ts"
import { bytesToBlockEnd, isLargeGather, wholeElements } from "./cut-chunks.ts"
import type { TransferSizes } from "./transfer-sizes.ts"

/** What is made, and the part of it that is wanted. */
export interface RangePiece extends Piece {
  /** Bytes at its beginning that are not wanted. */
  readonly skipped: number
  /** Bytes that are. They go to `target`, a byte in the range. */
  readonly taken: number
  /** True for what holds a window, or inflates. */
  readonly serial: boolean
}

/** The pieces for `range`, in order. All of `segments` overlap it, and together they cover it. */
export function* cutRange(
  segments: readonly Segment[],
  range: ByteRange,
  sizes: TransferSizes,
): Generator<RangePiece> {
  for (const segment of segments) {
    const from = Math.max(0, range.offset - segment.start)
    const to = Math.min(segment.length, range.offset + range.length - segment.start)
    const serial = isSerial(segment, sizes)
    for (let wanted = from; wanted < to; ) {
      const { offset, end } = pieceAt(segment, wanted, to, sizes)
      const stop = Math.min(end, to)
      const target = segment.start + wanted - range.offset
      const length = end - offset
      yield { segment, offset, length, target, skipped: wanted - offset, taken: stop - wanted, serial }
      wanted = stop
    }
  }
}

function isSerial(segment: Segment, sizes: TransferSizes): boolean {
  if (segment.kind === "literal") return false
  return segment.extent.coding === "deflate" || (segment.kind === "gather" && isLargeGather(segment, sizes))
}

/** The piece that begins with byte `wanted` of the segment, or with what has to be made before it. */
function pieceAt(
  segment: Segment,
  wanted: number,
  to: number,
  sizes: TransferSizes,
): { readonly offset: number; readonly end: number } {
  if (segment.kind === "gather") return gatherPieceAt(segment, wanted, to, sizes)
  const inflates = segment.kind === "copy" && segment.extent.coding === "deflate"
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
