/** A source as a stream of its bytes, from the first to the last. */

import type { ByteSource } from "./byte-source.ts"
import { readExactly } from "./read-exactly.ts"

/** Bytes of a piece. */
const PIECE_BYTES = 4 * 1024 * 1024

/** Reads as much as is asked for. It ends with an error when a read does; `source` stays open. */
export function sourceStream(source: ByteSource, signal?: AbortSignal): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream({
    async pull(controller) {
      const length = Math.min(PIECE_BYTES, source.byteLength - offset)
      if (length > 0) controller.enqueue(await readExactly(source, { offset, length }, signal))
      else controller.close()
      offset += length
    },
  })
}
