/** One line on a terminal that says how far a conversion is. */

import type { Progress } from "../../node/index.ts"
import { lineWidth, type OutputStream, paint } from "./streams.ts"
import { sayBytes, sayClock } from "./words.ts"

/** Work that is done before this never shows a bar. */
const QUIET_MS = 150

/** Between two drawings: ten a second. */
const REDRAW_MS = 100

/** A bar that is narrower says nothing. */
const BAR_COLUMNS = { min: 8, max: 40 }

/** Room for `1.39 MB` and `12:34`, so that the bar does not change its width. */
const BYTES_COLUMNS = 7
const CLOCK_COLUMNS = 5

const CLEAR_LINE = "\r\u001b[2K"

/** Draws at most ten times a second, and not at all before 150 ms have passed. */
export class ProgressBar {
  readonly #stream: OutputStream
  readonly #now: () => number
  readonly #started: number
  #drawn: number | undefined

  /** `now` is a clock in milliseconds. */
  constructor(stream: OutputStream, now: () => number = () => performance.now()) {
    this.#stream = stream
    this.#now = now
    this.#started = now()
  }

  /** When all is written, what is left to check has the line. */
  readonly update = ({ written, total, checked, toCheck }: Progress): void => {
    const now = this.#now()
    const elapsed = now - this.#started
    if (elapsed < QUIET_MS || (this.#drawn !== undefined && now - this.#drawn < REDRAW_MS)) return
    this.#drawn = now
    const isWriting = written < total || checked === toCheck
    const line = isWriting
      ? this.#line(written, total, elapsed)
      : this.#line(checked, toCheck, elapsed, " checked")
    this.#stream.write(CLEAR_LINE + line)
  }

  /** Removes the line. */
  clear(): void {
    if (this.#drawn === undefined) return
    this.#drawn = undefined
    this.#stream.write(CLEAR_LINE)
  }

  #line(done: number, total: number, elapsed: number, verb = ""): string {
    const share = total === 0 ? 1 : done / total
    const rate = done / elapsed
    // A column stays free: a full line would wrap on some terminals.
    const room = (lineWidth(this.#stream) ?? 80) - 1
    const parts = [
      `${Math.floor(share * 100)}%`.padStart(4),
      `${sayBytes(done).padStart(BYTES_COLUMNS)} of ${sayBytes(total)}${verb}`,
      `${sayBytes(Math.round(rate * 1000)).padStart(BYTES_COLUMNS)}/s`,
      ...(rate > 0 ? [`${sayClock((total - done) / rate).padStart(CLOCK_COLUMNS)} left`] : []),
    ]
    while (parts.length > 1 && parts.join("  ").length > room) parts.pop()
    const text = parts.join("  ")
    const columns = Math.min(BAR_COLUMNS.max, room - text.length - 1)
    if (columns < BAR_COLUMNS.min) return text
    const full = Math.round(share * columns)
    const bar = paint(this.#stream, "green", "█".repeat(full))
    return `${bar}${paint(this.#stream, "dim", "░".repeat(columns - full))} ${text}`
  }
}

/** A bar where there is somebody to see it: on a terminal that can erase a line. */
export function progressBarFor(stream: OutputStream, wanted: boolean): ProgressBar | undefined {
  // TERM is asked last: Deno wants leave for it.
  const isShown = wanted && stream.isTTY === true && process.env["TERM"] !== "dumb"
  return isShown ? new ProgressBar(stream) : undefined
}
