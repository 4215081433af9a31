/** Waiting for what may never come: a source, sink or stream of the caller's own may ignore the signal. */

/**
 * What `work` comes to, or the reason of `signal` as soon as it is aborted. Work that is given up goes on by itself, and
 * nobody hears how it ends.
 */
export function unlessAborted<Value>(
  work: PromiseLike<Value> | Value,
  signal: AbortSignal | undefined,
): Promise<Value> {
  // Plain JavaScript may answer without a promise.
  const settled = Promise.resolve(work)
  if (signal === undefined) return settled
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener("abort", stop)
    settled.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop))
  })
}
