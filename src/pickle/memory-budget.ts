/**
 * Counts what a checkpoint makes in memory.
 *
 * One byte of pickle makes a container of fifty, five bytes a tensor or a name of hundreds: counting opcodes bounds
 * time, not memory. So whatever is made is charged here, by what it takes in V8 on 64-bit machines, rounded up. What
 * has been let go of stays charged, so that the sum bounds the garbage too. The text and the bytes of a pickle are not
 * charged: they take no more than three bytes a byte.
 */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { LIMIT_EXCEEDED } from "../limits/errors.ts"
import { type Limits, type ScaledLimit, scaledLimit } from "../limits/limits.ts"

/** What a listing takes for a pickle that follows another: less memory than that, but time. */
export const PICKLE_BYTES = 4096

/** An entry of a dict: the pair, and its share of a table that doubles. Its places were charged with its values. */
export const ENTRY_BYTES = 80

/** An entry of a memo. */
export const MEMO_ENTRY_BYTES = 48

/** A value that is copied into a new container, whatever kind of container that is. */
export const COPIED_ITEM_BYTES = 96

/** Estimated bytes that may be made, and how many have been. */
export class MemoryBudget {
  /** Charged so far. The machine adds to it and compares it with `allowed` by itself. */
  taken = 0
  allowed: number
  readonly #limits: Limits
  #pickleBytes: number

  private constructor(limits: Limits, pickleBytes: number) {
    this.#limits = limits
    this.#pickleBytes = pickleBytes
    this.allowed = this.#limit().allowed
  }

  /** The budget for pickles of `pickleBytes` bytes, inflated. */
  static of(limits: Limits, pickleBytes: number): MemoryBudget {
    return new MemoryBudget(limits, pickleBytes)
  }

  /** Allows for so many bytes of pickles more. */
  extend(pickleBytes: number): void {
    this.#pickleBytes += pickleBytes
    this.allowed = this.#limit().allowed
  }

  /** Charges `bytes`. @throws `limit-exceeded`. */
  take(bytes: number, within?: string): void {
    this.taken += bytes
    if (this.taken > this.allowed) throw this.refusal(within)
  }

  /** What to throw once too much has been taken. */
  refusal(within?: string): CheckpointError {
    const detail = { ...this.#limit(), wanted: this.taken }
    return new CheckpointError(LIMIT_EXCEEDED, within === undefined ? detail : { ...detail, within })
  }

  /** The same budget with as much taken: each plan starts from what reading the checkpoint took. */
  copy(): MemoryBudget {
    const copy = new MemoryBudget(this.#limits, this.#pickleBytes)
    copy.taken = this.taken
    return copy
  }

  #limit(): ScaledLimit {
    return scaledLimit(this.#limits, "memoryFloorBytes", "memoryRatio", this.#pickleBytes)
  }
}
