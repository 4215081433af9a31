/** How far a save is: bytes, rate, the time that is left, and a button that ends it. */

import { button, element, fill } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayDuration } from "../model/quantities.ts"
import { TransferRate } from "../model/transfer-rate.ts"
import type { WorkProgress } from "../worker/protocol.ts"

export class SavingView {
  readonly root: HTMLElement
  readonly cancel: HTMLButtonElement
  readonly #bar = element("progress", { "aria-label": "Saving", max: 1, value: 0 })
  readonly #text = element("p", { class: "progress-text" }, "Starting…")
  readonly #rate = new TransferRate()
  #quarter = 0

  constructor(onCancel: () => void) {
    this.cancel = button("Cancel", onCancel)
    this.root = element("div", { class: "saving" }, this.#bar, this.#text, this.cancel)
  }

  show({ done, total, isChecking = false }: WorkProgress): void {
    if (done >= total) {
      // Not known how long: what is left is the browser's.
      this.#bar.removeAttribute("value")
      fill(this.#text, "Finishing…")
      return
    }
    this.#rate.add(performance.now(), done)
    this.#bar.value = done / total
    fill(
      this.#text,
      [
        `${isChecking ? "Checked " : ""}${sayBytes(done)} of ${sayBytes(total)}`,
        ...this.#sayRate(total),
      ].join(", "),
    )
    const reached = Math.floor((4 * done) / total)
    if (reached > this.#quarter) announce(`${25 * reached} percent.`)
    this.#quarter = reached
  }

  #sayRate(total: number): readonly string[] {
    const rate = this.#rate.bytesPerSecond
    const left = this.#rate.secondsLeft(total)
    if (rate === undefined || left === undefined) return []
    const perSecond = `${sayBytes(Math.round(rate))}/s`
    return left < 2 ? [perSecond] : [perSecond, `about ${sayDuration(left)} left`]
  }
}
