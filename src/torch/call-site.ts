/** Where in which pickle a call stands, for the errors of what it is asked to make. */

import type { AnyFaultRow } from "../errors/all-errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { COPIED_ITEM_BYTES, type MemoryBudget } from "../pickle/memory-budget.ts"
import type { PickleTuple, PickleValue } from "../pickle/values.ts"
import { TENSOR_ARGUMENT } from "./errors.ts"
import type { ByteOrder } from "./torch-tensors.ts"

/** What the calls of one pickle have copied. Three bytes of pickle can ask for the same copy again and again. */
export interface CopyCount {
  items: number
  bytes: number
}

/** The opcode that calls, and the bounds that hold for it. */
export interface CallSite {
  readonly within: string
  readonly at: number
  readonly limits: Limits
  /** Of the storages that the pickle refers to. */
  readonly byteOrder: ByteOrder
  readonly copied: CopyCount
  /** What copies are charged to, besides. */
  readonly memory?: MemoryBudget | undefined
}

/** Counts `items` values that a call is about to copy; all copies of one pickle stay within `maxNodes`. */
export function requireItems(site: CallSite, items: number): void {
  site.copied.items += items
  requireWithin(site.limits, "maxNodes", site.copied.items, site.within)
  site.memory?.take(items * COPIED_ITEM_BYTES, site.within)
}

/** As `requireItems`, for bytes and `maxPickleBytes`: a pickle that copies each of its texts once stays below it. */
export function requireBytes(site: CallSite, bytes: number): void {
  site.copied.bytes += bytes
  requireWithin(site.limits, "maxPickleBytes", site.copied.bytes, site.within)
  site.memory?.take(bytes, site.within)
}

export function faultAt(site: CallSite, code: AnyFaultRow, problem: string): CheckpointError {
  return new CheckpointError(code, { within: site.within, at: site.at, problem })
}

/** The items of a tuple of arguments, when there are as many as the function takes. */
export function requireArguments(
  site: CallSite,
  args: PickleTuple,
  name: string,
  least: number,
  most: number = least,
): readonly PickleValue[] {
  const { length } = args.items
  if (length >= least && length <= most) return args.items
  const wanted = least === most ? `${least}` : `${least} to ${most}`
  throw faultAt(site, TENSOR_ARGUMENT, `${name} is called with ${length} arguments, it takes ${wanted}`)
}
