/** How much of an archive's pickles is looked at: so many bytes, and of deflated ones so many times what they take. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { type Limits, scaledLimit } from "../limits/limits.ts"
import { requireWithin, requireWithinScaled } from "../limits/require-within.ts"

/** Of a deflated pickle so many times its stored bytes count where memory is granted: real ones deflate to 1/2 to 1/18. */
export const DEFLATED_TIMES = 16

/** One for all pickles of a file, so that many small ones cost no more than one that is large. */
export class PickleAllowance {
  readonly #limits: Limits
  #byteLength = 0
  #storedLength = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Counts a pickle before it is read. @throws `limit-exceeded` (`maxPickleBytes`, `pickleFloorBytes`, `pickleRatio`). */
  take({ name, byteLength, storedLength }: Pick<ByteExtent, "name" | "byteLength" | "storedLength">): void {
    this.#byteLength += byteLength
    this.#storedLength += storedLength
    requireWithin(this.#limits, "maxPickleBytes", this.#byteLength, name)
    if (this.#byteLength === this.#storedLength) return
    const allowed = scaledLimit(this.#limits, "pickleFloorBytes", "pickleRatio", this.#storedLength)
    requireWithinScaled(allowed, this.#byteLength, name)
  }
}
