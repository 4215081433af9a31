/** The one error class of the library. Bad input and failing media end in it and in nothing else. */

import { BrandedError, type BrandedErrorOptions } from "./branded-error.ts"
import type { ErrorCode, ErrorDetails } from "./error-details.ts"
import { ERROR_TEXTS } from "./error-texts.ts"
import type { Limits, ScaledLimit } from "./limits.ts"

export { type AnyCheckpointError, isCheckpointError } from "./branded-error.ts"
export type {
  CheckpointPart,
  ErrorCode,
  ErrorDetails,
  Fault,
  FaultCode,
  GlobalKnowledge,
  HeaderFinding,
  HeldFile,
  OtherFile,
  PartKind,
  ReadFailure,
  RefusedGlobal,
  RootCandidate,
  UnmatchedGlob,
} from "./error-details.ts"

/** What a conversion that cannot go on throws: a literal `code`, typed `detail`, and the next step to take. */
export class CheckpointError<C extends ErrorCode = ErrorCode> extends BrandedError<C> {
  constructor(code: C, detail: ErrorDetails[C], options?: BrandedErrorOptions) {
    super(code, ERROR_TEXTS[code], detail, options)
  }
}

/** Throws `limit-exceeded` when `wanted` is above the limit of that name. */
export function requireWithin(limits: Limits, limit: keyof Limits, wanted: number, within?: string): void {
  const allowed = limits[limit]
  if (wanted <= allowed) return
  throw new CheckpointError("limit-exceeded", {
    limit,
    allowed,
    wanted,
    ...(within === undefined ? {} : { within }),
  })
}

/** As `requireWithin`, for a limit that grows with the file. */
export function requireWithinScaled({ limit, allowed }: ScaledLimit, wanted: number, within: string): void {
  if (wanted > allowed) throw new CheckpointError("limit-exceeded", { limit, allowed, wanted, within })
}
