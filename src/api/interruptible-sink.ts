/** A stream may keep a write waiting for ever, because nobody takes its bytes. A signal must end that wait too. */

import type { ByteSink } from "../bytes/byte-sink.ts"

/**
 * `sink`, whose writes are waited for only until `signal` is aborted, and whose `abort` is not waited for after that.
 * Only for a sink that copies what it is given, and whose `abort` may come while a write is under way.
 */
export function interruptibleSink(sink: ByteSink, signal: AbortSignal): ByteSink {
  return {
    randomAccess: sink.randomAccess,
    write: (position, bytes) => unlessAborted(sink.write(position, bytes), signal),
    close: () => unlessAborted(sink.close(), signal),
    async abort(reason) {
      const aborted = sink.abort(reason)
      if (signal.aborted) aborted.catch(() => {})
      else await aborted
    },
  }
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener("abort", stop)
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop))
  })
}
