/** The one error class of the library. Bad input and failing media end in it and in nothing else. */

import type { ErrorCode, ErrorDetails } from "./error-details.ts"
import { ERROR_TEXTS } from "./error-texts.ts"
import type { Limits, ScaledLimit } from "./limits.ts"

export type {
  ErrorCode,
  ErrorDetails,
  Fault,
  FaultCode,
  HeaderFinding,
  RefusedGlobal,
  RootCandidate,
} from "./error-details.ts"

/** Two copies of the package recognise each other's errors by this brand; `instanceof` would not. */
const BRAND = Symbol.for("tosafetensors.CheckpointError")

/** What a conversion that cannot go on throws: a literal `code`, typed `detail`, and the next step to take. */
export class CheckpointError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "CheckpointError"
  readonly code: C
  readonly detail: ErrorDetails[C]
  /** What the reader of the message can do about it, a sentence or two. */
  readonly nextStep: string

  constructor(code: C, detail: ErrorDetails[C], options?: ErrorOptions) {
    const text = ERROR_TEXTS[code]
    super(text.say(detail), options)
    this.code = code
    this.detail = detail
    this.nextStep = text.next
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** What `--json` prints. */
  toJSON(): { code: C; message: string; nextStep: string; detail: ErrorDetails[C] } {
    return { code: this.code, message: this.message, nextStep: this.nextStep, detail: this.detail }
  }
}

/** A `CheckpointError` as a union over its codes, so that comparing `code` narrows `detail`. */
export type AnyCheckpointError = { [C in ErrorCode]: CheckpointError<C> }[ErrorCode]

/** True for an error of this library, whichever copy of the package threw it. */
export function isCheckpointError(value: unknown): value is AnyCheckpointError {
  return typeof value === "object" && value !== null && BRAND in value
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
