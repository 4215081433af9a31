/** How fast bytes go, and how long the rest will take. Times are milliseconds of whatever clock the caller has. */

/** What counts is what happened lately: a disk's cache makes the beginning of a save faster than the rest. */
const WINDOW_MS = 5000

/** Nothing is said before there is that much to say it from. */
const LEAST_MS = 1000

/** Samples are kept that far apart, so that they stay few. */
const STEP_MS = 100

export class TransferRate {
  #samples: readonly { readonly at: number; readonly done: number }[] = []

  /** `done` bytes at the time `at`. Fewer bytes than before begin anew. */
  add(at: number, done: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && done < last.done) this.#samples = []
    else if (last !== undefined && at - last.at < STEP_MS) return
    const recent = this.#samples.filter((sample) => at - sample.at <= WINDOW_MS)
    this.#samples = [...recent, { at, done }]
  }

  /** Undefined while it is not known, and where nothing goes on. */
  get bytesPerSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return undefined
    const rate = (1000 * (last.done - first.done)) / (last.at - first.at)
    return rate > 0 ? rate : undefined
  }

  /** Until `total` bytes are done, at the rate of the last seconds. */
  secondsLeft(total: number): number | undefined {
    const last = this.#samples.at(-1)
    const rate = this.bytesPerSecond
    return last === undefined || rate === undefined ? undefined : Math.max(0, total - last.done) / rate
  }
}
