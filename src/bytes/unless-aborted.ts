/** Waiting for what may never come: a source, sink or stream of the caller's own may ignore the signal. */

/** Ends every wait for one signal. */
interface Waits {
  readonly stops: Set<() => void>
  readonly stopAll: () => void
}

/** Waits under way. They share a listener for each signal, because Node warns of a leak when there are more than ten. */
const waitsFor: WeakMap<AbortSignal, Waits> = /* @__PURE__ */ new WeakMap()

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
    const forget = stopWith(signal, stop)
    settled.then(resolve, reject).finally(forget)
  })
}

/** Has `stop` called when `signal` is aborted, until what it returns is called. */
function stopWith(signal: AbortSignal, stop: () => void): () => void {
  const { stops, stopAll } = waitsFor.get(signal) ?? startListening(signal)
  stops.add(stop)
  return () => {
    stops.delete(stop)
    if (stops.size > 0) return
    signal.removeEventListener("abort", stopAll)
    waitsFor.delete(signal)
  }
}

function startListening(signal: AbortSignal): Waits {
  const stops = new Set<() => void>()
  const stopAll = (): void => {
    for (const stop of stops) stop()
  }
  const waits = { stops, stopAll }
  waitsFor.set(signal, waits)
  signal.addEventListener("abort", stopAll)
  return waits
}
