/** What yields bytes, and a source, as streams. */

import type { ByteSource } from "./byte-source.ts"
import { readExactly } from "./read-exactly.ts"

/**
 * The pieces of `iterable` as a stream: of Node's `Readable` for one, whose own `toWeb` fails when it is cancelled midway.
 * Cancelling it destroys what can be destroyed, even while a piece is awaited.
 */
export function iterableStream(iterable: AsyncIterable<unknown>): ReadableStream<unknown> {
  let iterator: AsyncIterator<unknown> | undefined
  return new ReadableStream(
    {
      async pull(controller) {
        iterator ??= iterable[Symbol.asyncIterator]()
        const { done, value } = await iterator.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        const { destroy } = iterable as { readonly destroy?: unknown }
        if (typeof destroy === "function") destroy.call(iterable)
        // Waits for the piece that is awaited, and nobody waits for it.
        else iterator?.return?.().catch(() => {})
      },
    },
    { highWaterMark: 0 },
  )
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    Symbol.asyncIterator in value &&
    typeof value[Symbol.asyncIterator] === "function"
  )
}

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
