/** Where in which pickle a call stands, for the errors of what it is asked to make. */

import type { FaultCode } from "../errors.ts"
import { CheckpointError } from "../errors.ts"
import type { Limits } from "../limits.ts"
import type { PickleTuple, PickleValue } from "../pickle/values.ts"

/** The opcode that calls, and the bounds that hold for it. */
export interface CallSite {
  readonly within: string
  readonly at: number
  readonly limits: Limits
}

export function faultAt(site: CallSite, code: FaultCode, problem: string): CheckpointError {
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
  throw faultAt(site, "tensor-argument", `${name} is called with ${length} arguments, it takes ${wanted}`)
}
