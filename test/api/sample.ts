/** A small checkpoint, the file that it must become, and ways to hand it over. */

import type { ByteSource } from "../../src/index.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { referenceFile } from "../property/slow-reference.ts"

const F32 = dtypeNamed("float32")
const TENSORS = new Map([
  ["weight", tensor(F32, [60, 50], { seed: 1 })],
  ["turned", tensor(F32, [20, 30], { strides: [1, 20], seed: 2 })],
  ["count", tensor(dtypeNamed("int64"), [], { seed: 3 })],
])

export const SAMPLE: Uint8Array<ArrayBuffer> = writeCheckpoint(TENSORS)
export const EXPECTED: Uint8Array = referenceFile(TENSORS, new Map([["format", "pt"]]), "little")

/** `bytes` in pieces. */
export function streamOf(bytes: Uint8Array, pieceBytes = 1000): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close()
      else controller.enqueue(bytes.slice(at, at + pieceBytes))
      at += pieceBytes
    },
  })
}

/** A source of the caller's own, with what it was asked. */
export interface WatchedSource extends ByteSource {
  reads: number
  closed: number
}

export function sourceOf(bytes: Uint8Array, withReadInto = false): WatchedSource {
  const source: WatchedSource = {
    byteLength: bytes.length,
    reads: 0,
    closed: 0,
    async read(offset, length) {
      source.reads += 1
      return bytes.subarray(offset, offset + length)
    },
    async close() {
      source.closed += 1
    },
  }
  if (!withReadInto) return source
  source.readInto = async (offset, target) => {
    source.reads += 1
    // Fewer than asked for is allowed, as long as it is not nothing.
    const part = bytes.subarray(offset, offset + Math.min(target.length, 777))
    target.set(part)
    return part.length
  }
  return source
}

/** Lets everything that is under way come to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve))
}
