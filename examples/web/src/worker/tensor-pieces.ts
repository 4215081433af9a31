/**
 * The elements of one tensor in pieces of 256 KiB, of which a large tensor shows a sample: no more of it is held, or read,
 * than the piece that is looked at. Pieces go through the file from its front to its back, in whatever order the tensor
 * has its elements: counts, moments and histograms ask for no order.
 */

import type { SupportedTensorInfo, TensorSource } from "tosafetensors"

const KiB = 2 ** 10
const MiB = 2 ** 20

/** A multiple of every dtype's size. */
const PIECE_BYTES = 256 * KiB

/** What is read of a tensor at most, with the gaps between its elements. */
const MOST_READ_BYTES = 32 * MiB

/** What a read costs at least, in bytes: pieces that are smaller do not become as many as they would. */
const LEAST_PIECE_BYTES = 16 * KiB

export interface TensorPieces {
  readonly count: number
  /** Bytes of all of them together: fewer than the tensor's where they are a sample. */
  readonly byteLength: number
  /** Whole elements. To be called in order. */
  readonly read: (index: number, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>
  readonly close: () => Promise<void>
}

/** `info` tells how `tensor` lies in its storage. */
export function piecesOf(
  tensor: Pick<TensorSource, "inStorageOrder">,
  info: Pick<SupportedTensorInfo, "shape" | "strides" | "elementCount">,
): TensorPieces {
  const stored = tensor.inStorageOrder()
  const { byteLength } = stored
  const [rowCount = 1] = stored.shape
  const rowBytes = byteLength / Math.max(1, rowCount)
  const spread = spreadOf(info)
  // Where there are gaps, reading a part of the whole may load far more of the storage: rows are read by themselves.
  const byRows = spread > 1 && rowBytes <= PIECE_BYTES
  const rows = Math.max(1, Math.floor(PIECE_BYTES / (rowBytes * spread)))
  const pieceBytes = byRows ? rows * rowBytes : PIECE_BYTES
  const readBytes = byRows && rows === 1 ? rowBytes : pieceBytes * spread
  const numbers = sampled(Math.ceil(byteLength / pieceBytes), readBytes)
  const lengthOf = (number: number): number => Math.min(pieceBytes, byteLength - number * pieceBytes)
  return {
    count: numbers.length,
    byteLength: numbers.reduce((sum, number) => sum + lengthOf(number), 0),
    async read(index, signal) {
      const number = numbers[index] ?? 0
      const length = lengthOf(number)
      if (!byRows) return stored.read(number * pieceBytes, length, signal)
      const part = stored.rows(number * rows, Math.min(rowCount, (number + 1) * rows))
      return part.read(0, length, signal).finally(() => part.close())
    },
    close: () => stored.close(),
  }
}

/** Bytes of the storage for each byte of a tensor: more than 1 where there are gaps between its elements. */
function spreadOf({ shape, strides, elementCount }: Parameters<typeof piecesOf>[1]): number {
  const span = shape.reduce((sum, size, d) => sum + (size - 1) * (strides[d] ?? 0), 1)
  return elementCount === 0 ? 1 : Math.max(1, span / elementCount)
}

/** Numbers of all pieces, or of as many as may be read, from all over the tensor. */
function sampled(count: number, readBytes: number): readonly number[] {
  const most = Math.max(2, Math.floor(MOST_READ_BYTES / Math.max(readBytes, LEAST_PIECE_BYTES)))
  if (count <= most) return Array.from({ length: count }, (_, number) => number)
  return Array.from({ length: most }, (_, index) => Math.floor((index * (count - 1)) / (most - 1)))
}
