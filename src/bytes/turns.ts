/**
 * Turns of the event loop. Bytes in memory are read without waiting for anything, so a conversion of them would hold the
 * loop from its beginning to its end: no timer, no signal and no other request would get a turn.
 *
 * Long work is written as steps, and between two steps the loop may turn. All conversions of a process share one clock
 * and stand in one line: however many there are, the loop turns whenever one of them has held it for `TURN_MS`.
 */

/** How long the loop is held before it turns. Half a frame of a screen; a turn takes some microseconds. */
const TURN_MS = 8

/** Items of the usual kind (an opcode, a tensor, a member) that a step deals with: a millisecond at most. */
export const STEP_ITEMS = 1024

/** Bytes, or units of text, after which a step ends however few its items are. */
export const STEP_BYTES = 65_536

/** Work in steps. It yields where it may be interrupted, some thousand times a second. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** What is left to do of work that is mostly done at once; undefined when nothing is. */
export type Rest = Steps<void> | undefined

/** Does `next` when `rest` is done, which may be now. What it returns is left to do. */
export function afterRest(rest: Rest, next: () => void): Rest {
  if (rest !== undefined) return restBefore(rest, next)
  next()
  return undefined
}

function* restBefore(rest: Steps<void>, next: () => void): Steps<void> {
  yield* rest
  next()
}

/** What turns are made of. */
interface TurnClock {
  /** Milliseconds since whenever. */
  readonly now: () => number
  /** Calls `go` in another turn of the loop, once timers and input have been looked at. */
  readonly soon: (go: () => void) => void
}

/** Lets the loop turn, and one of those that wait for that go on in each turn. */
export class Turns {
  readonly #clock: TurnClock
  /** When the loop is known to have turned last. */
  #turnedAt = Number.NEGATIVE_INFINITY
  readonly #waiting: (() => void)[] = []
  readonly #wake = (): void => {
    this.#turnedAt = this.#clock.now()
    this.#waiting.shift()?.()
    if (this.#waiting.length > 0) this.#clock.soon(this.#wake)
  }

  constructor(clock: TurnClock) {
    this.#clock = clock
  }

  /** To be waited for when the loop has been held for long enough; undefined otherwise. Rejects with the signal's reason. */
  due(signal?: AbortSignal): Promise<void> | undefined {
    if (this.#clock.now() - this.#turnedAt < TURN_MS) return undefined
    const turn = new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) this.#clock.soon(this.#wake)
    })
    return unlessAborted(turn, signal)
  }

  /** What `steps` come to. The loop turns in between. */
  async take<Result>(steps: Steps<Result>, signal?: AbortSignal): Promise<Result> {
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
      const turn = this.due(signal)
      if (turn !== undefined) await turn
    }
  }
}

const turns = /* @__PURE__ */ new Turns({ now: () => performance.now(), soon: (go) => soon(go) })

/** What `steps` come to, while the event loop turns. @throws the signal's reason. */
export function inTurns<Result>(steps: Steps<Result>, signal?: AbortSignal): Promise<Result> {
  return turns.take(steps, signal)
}

/** For loops that wait anyway: a turn to be waited for, when one is due. Rejects with the signal's reason. */
export function turnIfDue(signal?: AbortSignal): Promise<void> | undefined {
  return turns.due(signal)
}

/** What `work` comes to, which begins after a turn of the loop when one is due. */
export async function turned<Result>(
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  await turns.due(signal)
  return work()
}

/** What `steps` come to, without a turn of the loop. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** What a platform may have. */
interface TurnMakers {
  readonly setImmediate?: (go: () => void) => unknown
  readonly MessageChannel?: typeof MessageChannel
  readonly setTimeout: (go: () => void, milliseconds: number) => unknown
}

/** Taken when this is loaded: tests put clocks of their own in the place of timers. */
const MAKERS = /* @__PURE__ */ (() => {
  const { setImmediate, MessageChannel, setTimeout } = globalThis as unknown as TurnMakers
  return { setImmediate, MessageChannel, setTimeout }
})()

let channel: MessageChannel | undefined

/** `setImmediate` where there is one (Node, Deno, Bun). A timer of a browser waits for 4 ms, a message does not. */
function soon(go: () => void): void {
  const { setImmediate, MessageChannel, setTimeout } = MAKERS
  if (setImmediate !== undefined) {
    setImmediate(go)
    return
  }
  if (MessageChannel === undefined) {
    setTimeout(go, 0)
    return
  }
  channel ??= new MessageChannel()
  const { port1, port2 } = channel
  // A port that listens keeps some runtimes from ending.
  port1.onmessage = () => {
    port1.onmessage = null
    go()
  }
  port2.postMessage(null)
}

/** Ends every wait for one signal. */
interface Waits {
  readonly stops: Set<() => void>
  readonly stopAll: () => void
}

/** Waits under way. They share a listener for each signal, because Node warns of a leak when there are more than ten. */
const waitsFor: WeakMap<AbortSignal, Waits> = /* @__PURE__ */ new WeakMap()

/**
 * What `work` comes to, or the reason of `signal` as soon as it is aborted: a source, sink or stream of the caller's own may
 * ignore the signal. Work that is given up goes on by itself, and nobody hears how it ends.
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
