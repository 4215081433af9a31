/**
 * The bytes of one tensor in pieces of 256 KiB, of which a large tensor shows a sample: no more of it is held, or read,
 * than the piece that is looked at. Pieces go through the file from its front to its back, in whatever order the tensor
 * has its elements.
 */

import type { Checkpoint, ConversionPlan, CopySegment, GatherSegment, Segment } from "tosafetensors"
import { elementCountOf, memoryBlocks } from "../model/memory-blocks.ts"

const KiB = 2 ** 10
const MiB = 2 ** 20

/** A multiple of every dtype's size. */
const PIECE_BYTES = 256 * KiB

/** What is read of a tensor at most, with the gaps between its elements. */
const MOST_READ_BYTES = 32 * MiB

/** What a read costs at least, in bytes: pieces that are smaller do not become as many as they would. */
const LEAST_PIECE_BYTES = 16 * KiB

export type Bytes = Uint8Array<ArrayBuffer>

export interface TensorPieces {
  readonly count: number
  /** Bytes of all of them together: fewer than the tensor's where they are a sample. */
  readonly byteLength: number
  /** Whole elements. To be called in order. */
  readonly read: (index: number, signal: AbortSignal) => Promise<Bytes>
}

/** Of a tensor that lies in a file in order, as safetensors holds it. */
export function piecesOfFile(file: File, offset: number, byteLength: number): TensorPieces {
  const { numbers, lengthOf } = evenPieces(byteLength)
  return {
    count: numbers.length,
    byteLength: sumOf(numbers, lengthOf),
    async read(index) {
      const number = numbers[index] ?? 0
      const start = offset + number * PIECE_BYTES
      const length = lengthOf(number)
      const bytes = new Uint8Array(await file.slice(start, start + length).arrayBuffer())
      if (bytes.length !== length) throw new Error("the file has become shorter")
      return bytes
    },
  }
}

/** Of a tensor of a checkpoint: of what would be written, which need not be how it lies there. @throws as `plan`. */
export function piecesOfCheckpoint(
  checkpoint: Pick<Checkpoint, "plan" | "output">,
  name: string,
): TensorPieces {
  const plan = checkpoint.plan({
    root: "all",
    shared: "copy",
    include: (tensor) => tensor.name === name,
    // Also one whose name could not be written can be looked at.
    rename: () => "tensor",
  })
  const segments = plan.segments.flatMap(cutSegment)
  const byteLength = sumOf(segments, ({ length }) => length)
  const cut: ConversionPlan = { ...plan, segments, byteLength }
  const output = checkpoint.output(cut)
  return {
    count: segments.length,
    byteLength,
    read(index, signal) {
      const { start = 0, length = 0 } = segments[index] ?? {}
      return output.read(start, length, signal)
    },
  }
}

/** What is held already. */
export function inOnePiece(bytes: Uint8Array): TensorPieces {
  return { count: 1, byteLength: bytes.length, read: async () => bytes as Bytes }
}

/** The header is no tensor. One without elements has no segment. */
function cutSegment(segment: Segment): readonly Segment[] {
  if (segment.kind === "literal") return []
  return segment.kind === "copy" ? cutCopy(segment) : cutGather(segment)
}

function cutCopy(segment: CopySegment): readonly CopySegment[] {
  const { numbers, lengthOf } = evenPieces(segment.length)
  let start = 0
  return numbers.map((number) => {
    const offsetInExtent = segment.offsetInExtent + number * PIECE_BYTES
    const piece = { ...segment, start, length: lengthOf(number), offsetInExtent }
    start += piece.length
    return piece
  })
}

function cutGather(segment: GatherSegment): readonly GatherSegment[] {
  const { itemBytes } = segment.view
  const blocks = memoryBlocks(segment.view, PIECE_BYTES)
  // Elements that are repeated are more than they span.
  const blockBytes = Math.max(blocks.spanBytes, elementCountOf(blocks.at(0)) * itemBytes)
  let start = 0
  return sampled(blocks.count, blockBytes).map((number) => {
    const view = blocks.at(number)
    const piece = { ...segment, start, length: elementCountOf(view) * itemBytes, view }
    start += piece.length
    return piece
  })
}

/** Pieces of what lies in order, by their numbers. */
function evenPieces(byteLength: number): {
  readonly numbers: readonly number[]
  readonly lengthOf: (number: number) => number
} {
  const numbers = sampled(Math.ceil(byteLength / PIECE_BYTES), PIECE_BYTES)
  return { numbers, lengthOf: (number) => Math.min(PIECE_BYTES, byteLength - number * PIECE_BYTES) }
}

/** Numbers of all pieces, or of as many as may be read, from all over the tensor. */
function sampled(count: number, pieceBytes: number): readonly number[] {
  const most = Math.floor(MOST_READ_BYTES / Math.max(pieceBytes, LEAST_PIECE_BYTES))
  if (count <= most) return Array.from({ length: count }, (_, number) => number)
  return Array.from({ length: most }, (_, index) => Math.floor((index * (count - 1)) / (most - 1)))
}

function sumOf<Item>(items: readonly Item[], bytesOf: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + bytesOf(item), 0)
}
