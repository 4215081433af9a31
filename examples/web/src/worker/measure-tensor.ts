/** Looks at the elements of one tensor, piece by piece, twice: how they lie, and how they are spread between the ends. */

import type { ElementDecoder } from "../model/decode-elements.ts"
import { decoderFor, isWhole } from "../model/decode-elements.ts"
import { gatherStatistics } from "../model/tensor-statistics.ts"
import type { Measurement, WorkProgress } from "./protocol.ts"
import type { Bytes, TensorPieces } from "./tensor-pieces.ts"

export interface MeasureWork {
  readonly signal: AbortSignal
  readonly onProgress: (progress: WorkProgress) => void
}

/** Passes over the pieces. */
const PASSES = 2

/**
 * `torchDtype` says how elements are read. `pieces` are made when they can be: their making may throw as well.
 *
 * @throws what reading throws; the signal's reason when aborted.
 */
export async function measureTensor(
  torchDtype: string,
  byteLength: number,
  makePieces: () => TensorPieces | Promise<TensorPieces>,
  { signal, onProgress }: MeasureWork,
): Promise<Measurement> {
  const decoder = decoderFor(torchDtype)
  if (decoder === undefined) {
    return { kind: "not-measured", reason: `Elements of ${torchDtype} stand for no plain numbers.` }
  }
  const pieces = await makePieces()
  const total = PASSES * pieces.byteLength
  let done = 0
  const statistics = await gatherStatistics(async (take) => {
    const decode = decoding(decoder, take)
    for (let index = 0; index < pieces.count; index++) {
      signal.throwIfAborted()
      const bytes = await pieces.read(index, signal)
      decode(bytes)
      done += bytes.length
      onProgress({ done, total })
    }
  }, isWhole(torchDtype))
  const valuesPerElement =
    decoder.valuesPerUnit === 1 ? "one" : torchDtype.startsWith("complex") ? "complex" : "packed"
  return { kind: "measured", statistics, bytesRead: pieces.byteLength, byteLength, valuesPerElement }
}

function decoding(decoder: ElementDecoder, take: (values: Float64Array) => void): (bytes: Bytes) => void {
  let values = new Float64Array(0)
  return (bytes) => {
    const count = (bytes.length / decoder.unitBytes) * decoder.valuesPerUnit
    if (values.length < count) values = new Float64Array(count)
    decoder.decode(bytes, values)
    take(values.subarray(0, count))
  }
}
