/** Counts what a conversion inflates: going back in a deflated entry inflates it again, as often as a file asks. */

import { requireWithinScaled } from "../limits/require-within.ts"

/** Bytes that may be inflated, all in all. */
export class InflateBudget {
  readonly #allowed: number
  #taken = 0

  constructor(allowed: number) {
    this.#allowed = allowed
  }

  /** Begins anew: for work that is another request of the caller's own. */
  renew(): void {
    this.#taken = 0
  }

  /** @throws `limit-exceeded` when `bytes` more are too many. */
  take(bytes: number, within: string): void {
    this.#taken += bytes
    requireWithinScaled({ limit: "inflateRatio", allowed: this.#allowed }, this.#taken, within)
  }
}
