/** Holds what a file asks for against a limit. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { LIMIT_EXCEEDED } from "./errors.ts"
import type { Limits, ScaledLimit } from "./limits.ts"

/** Throws `limit-exceeded` when `wanted` is above the limit of that name. */
export function requireWithin(limits: Limits, limit: keyof Limits, wanted: number, within?: string): void {
  requireWithinScaled({ limit, allowed: limits[limit] }, wanted, within)
}

/** As `requireWithin`, for a limit that grows with the file. */
export function requireWithinScaled({ limit, allowed }: ScaledLimit, wanted: number, within?: string): void {
  if (wanted <= allowed) return
  throw new CheckpointError(LIMIT_EXCEEDED, {
    ...{ limit, allowed, wanted },
    ...(within === undefined ? {} : { within }),
  })
}
