/**
 * Cuts the segments of a plan into chunks: what is produced and written in one go.
 *
 * Many small tensors share a chunk, a large one takes many. Elements are never split, and a large gather has its
 * chunks to itself, cut where its windows end.
 */

import type { GatherSegment, Segment } from "../plan/segments.ts"
import { gatherBlockAt, spanOf } from "./gather-blocks.ts"

/** Output bytes of a chunk. Larger ones gain nothing (measured from 256 KiB to 8 MiB), and several are in flight. */
export const CHUNK_BYTES: number = 1024 * 1024

/** A gather up to this size, in output and in span, is produced within a chunk that it shares. */
const SMALL_GATHER_BYTES = 64 * 1024

/** A part of a segment. */
export interface Piece {
  readonly segment: Segment
  /** First byte in the segment. */
  readonly offset: number
  readonly length: number
  /** Byte in the chunk where it goes. */
  readonly target: number
}

/** A range of the output and the pieces that tile it. */
export interface Chunk {
  /** Byte offset in the output. */
  readonly start: number
  readonly length: number
  readonly pieces: readonly Piece[]
  /** True when it must be produced before the next one begins: it holds a window, or inflates. */
  readonly serial: boolean
}

/** The chunks of `segments`, which must follow one another without a gap. */
export function* cutChunks(segments: readonly Segment[]): Generator<Chunk> {
  let pieces: Piece[] = []
  let start = segments[0]?.start ?? 0
  let length = 0
  let serial = false
  const take = (): Chunk => {
    const chunk = { start, length, pieces, serial }
    start += length
    pieces = []
    length = 0
    serial = false
    return chunk
  }
  for (const segment of segments) {
    const isGather = segment.kind === "gather"
    const large = isGather && isLargeGather(segment)
    if (length > 0 && (large || (isGather && length + segment.length > CHUNK_BYTES))) yield take()
    for (let offset = 0; offset < segment.length; ) {
      const room = CHUNK_BYTES - length
      const most = large ? bytesToBlockEnd(segment, offset) : segment.length - offset
      const part = Math.min(room, most)
      pieces.push({ segment, offset, length: part, target: length })
      serial ||= large || (segment.kind !== "literal" && segment.extent.coding === "deflate")
      offset += part
      length += part
      if (length === CHUNK_BYTES || large) yield take()
    }
  }
  if (length > 0) yield take()
}

/** Whether a gather needs a window of its own. */
export function isLargeGather({ view, length }: GatherSegment): boolean {
  return length > SMALL_GATHER_BYTES || spanOf(view) * view.itemBytes > SMALL_GATHER_BYTES
}

function bytesToBlockEnd({ view }: GatherSegment, offset: number): number {
  const element = offset / view.itemBytes
  const block = gatherBlockAt(view, element)
  return (block.firstElement + block.elementCount - element) * view.itemBytes
}
