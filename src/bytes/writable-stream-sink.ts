/** A `WritableStream` as a sink: in order, with the stream's own backpressure. */

import type { ByteSink } from "./byte-sink.ts"

/** A sink over `stream`, which it locks, and closes or aborts at the end. */
export function writableStreamSink(stream: WritableStream<Uint8Array>): ByteSink {
  const writer = stream.getWriter()
  // A stream that fails rejects `closed` too; the failing write is what gets reported.
  writer.closed.catch(() => {})
  return {
    randomAccess: false,
    async write(_position, bytes) {
      await writer.ready
      // A stream may keep what it is given, and the caller's buffer is used again.
      await writer.write(bytes.slice())
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  }
}
