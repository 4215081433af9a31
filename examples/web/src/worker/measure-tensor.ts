/** Looks at the elements of one tensor, piece by piece, twice: how they lie, and how they are spread between the ends. */

import { gatherStatistics } from "../model/tensor-statistics.ts"
import { isComplex, isWhole, numberDtype, numbersIn } from "../model/tensor-values.ts"
import type { AnyFile } from "./opened-file.ts"
import type { Measurement, Work } from "./protocol.ts"
import { piecesOf } from "./tensor-pieces.ts"

/** Passes over the pieces. */
const PASSES = 2

/** @throws as `tensor` and reading do; the signal's reason when aborted. */
export async function measureTensor(
  file: AnyFile,
  name: string,
  { signal, onProgress }: Work,
): Promise<Measurement> {
  const info = file.tensors.get(name)
  if (info?.kind !== "tensor")
    return { kind: "not-measured", reason: `It is ${info?.reason ?? "not there"}.` }
  const dtype = numberDtype(info)
  if (dtype === undefined) {
    const called = info.dtype ?? info.torchDtype
    return { kind: "not-measured", reason: `Elements of ${called} stand for no plain numbers.` }
  }
  const pieces = piecesOf(file.tensor(name), info)
  const total = PASSES * pieces.byteLength
  let done = 0
  const pass = async (take: (values: Float64Array) => void): Promise<void> => {
    for (let index = 0; index < pieces.count; index++) {
      signal.throwIfAborted()
      const bytes = await pieces.read(index, signal)
      take(numbersIn(bytes, dtype))
      done += bytes.length
      onProgress({ done, total })
    }
  }
  const statistics = await gatherStatistics(pass, isWhole(dtype)).finally(pieces.close)
  // Of halves of a byte, the header of a safetensors file counts each.
  const isPacked = dtype === "F4" && file.format !== "safetensors"
  const valuesPerElement = isComplex(info) ? "complex" : isPacked ? "packed" : "one"
  const { byteLength } = info
  return { kind: "measured", statistics, bytesRead: pieces.byteLength, byteLength, valuesPerElement }
}
