/** Counts what a conversion inflates: going back in a deflated entry inflates it again, as often as a file asks. */

import { CheckpointError } from "../errors.ts"

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
    if (this.#taken <= this.#allowed) return
    const detail = { limit: "inflateRatio", allowed: this.#allowed, wanted: this.#taken, within } as const
    throw new CheckpointError("limit-exceeded", detail)
  }
}
