/** How much of an archive's pickles is looked at: so many bytes, and of deflated ones so many times what they take. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { requireWithin, requireWithinScaled } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { scaledLimit } from "../limits.ts"

export class PickleAllowance {
  readonly #limits: Limits
  #byteLength = 0
  #storedLength = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Counts a pickle before it is read. @throws `limit-exceeded` (`maxPickleBytes`, `pickleFloorBytes`, `pickleRatio`). */
  take({ name, byteLength, storedLength }: ByteExtent): void {
    this.#byteLength += byteLength
    this.#storedLength += storedLength
    requireWithin(this.#limits, "maxPickleBytes", this.#byteLength, name)
    if (this.#byteLength === this.#storedLength) return
    const allowed = scaledLimit(this.#limits, "pickleFloorBytes", "pickleRatio", this.#storedLength)
    requireWithinScaled(allowed, this.#byteLength, name)
  }
}
