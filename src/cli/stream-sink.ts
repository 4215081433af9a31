/** Standard output as the place where a conversion writes. */

import type { ByteSink } from "../node/index.ts"
import type { OutputStream } from "./terminal.ts"
import { writeBytes } from "./terminal.ts"

/** A sink that leaves the stream open. What was written before a failure cannot be taken back. */
export function streamSink(stream: OutputStream): ByteSink {
  return {
    randomAccess: false,
    // A stream that fills up calls back late and keeps the bytes until then, so the next write waits for it.
    write: (_position, bytes) => writeBytes(stream, bytes),
    close: async () => {},
    abort: async () => {},
  }
}
