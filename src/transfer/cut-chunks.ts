/**
 * Cuts the segments of a plan into chunks: what is produced and written in one go.
 *
 * Many small tensors share a chunk, a large one takes many. Elements are never split, and a large gather has its
 * chunks to itself, cut where its windows end. What the sink copies by itself has chunks of its own as well, large ones.
 */

import type { ByteSource } from "../bytes/byte-source.ts"
import { gatherBlockAt, spanOf } from "../plan/gather-blocks.ts"
import type { CopySegment, GatherSegment, Segment } from "../plan/segments.ts"
import type { TransferSizes } from "./transfer-sizes.ts"

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
  /** True when the sink copies it by itself: pieces of stored extents of one source. */
  readonly direct: boolean
}

/** Pieces of a chunk that the sink copies by itself: their list is passed on, and each is read on its own. */
const MOST_DIRECT_PIECES = 4096

/** Whether the sink would rather copy this segment by itself. */
export type CopiesDirectly = (segment: CopySegment) => boolean

/** The chunks of `segments`, which must follow one another without a gap. */
export function* cutChunks(
  segments: readonly Segment[],
  sizes: TransferSizes,
  copiesDirectly: CopiesDirectly = () => false,
): Generator<Chunk> {
  const { chunkBytes } = sizes
  let pieces: Piece[] = []
  let start = segments[0]?.start ?? 0
  let length = 0
  let serial = false
  let direct = false
  const take = (): Chunk => {
    const chunk = { start, length, pieces, serial, direct }
    start += length
    pieces = []
    length = 0
    serial = false
    return chunk
  }
  for (const segment of segments) {
    const goesDirectly = segment.kind === "copy" && copiesDirectly(segment)
    const goesOn = goesDirectly === direct && (!direct || sourceOf(segment) === sourceOf(pieces[0]?.segment))
    if (length > 0 && !goesOn) yield take()
    direct = goesDirectly
    const isGather = segment.kind === "gather"
    const large = isGather && isLargeGather(segment, sizes)
    if (length > 0 && (large || (isGather && length + segment.length > chunkBytes))) yield take()
    for (let offset = 0; offset < segment.length; ) {
      // What is copied directly is cut where the output is a multiple: so are the blocks that it is written in.
      const room = direct ? sizes.directBytes - ((start + length) % sizes.directBytes) : chunkBytes - length
      const most = large ? bytesToBlockEnd(segment, offset, sizes) : segment.length - offset
      const part = Math.min(room, most)
      pieces.push({ segment, offset, length: part, target: length })
      serial ||= large || (segment.kind !== "literal" && segment.extent.coding === "deflate")
      offset += part
      length += part
      if (part === room || large || (direct && pieces.length === MOST_DIRECT_PIECES)) yield take()
    }
  }
  if (length > 0) yield take()
}

function sourceOf(segment: Segment | undefined): ByteSource | undefined {
  return segment === undefined || segment.kind === "literal" ? undefined : segment.extent.source
}

/** Whether a gather needs a window of its own. */
export function isLargeGather({ view, length }: GatherSegment, { smallGatherBytes }: TransferSizes): boolean {
  return length > smallGatherBytes || spanOf(view) * view.itemBytes > smallGatherBytes
}

function bytesToBlockEnd({ view }: GatherSegment, offset: number, { windowBytes }: TransferSizes): number {
  const element = offset / view.itemBytes
  const block = gatherBlockAt(view, element, windowBytes)
  return (block.firstElement + block.elementCount - element) * view.itemBytes
}
