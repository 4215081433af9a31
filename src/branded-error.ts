/**
 * What every error of the library is, and how it is recognised. The text is handed in: `CheckpointError` of errors.ts
 * looks it up by its code, and keeps the texts of all codes in memory for that.
 */

import type { ErrorCode, ErrorDetails } from "./error-details.ts"
import type { ErrorText } from "./error-wording.ts"
import { safeMessage } from "./quote-text.ts"

/** Two copies of the package recognise each other's errors by this brand. */
const BRAND = /* @__PURE__ */ Symbol.for("tosafetensors.CheckpointError")

/** What an error may be given besides its detail. */
export interface BrandedErrorOptions extends ErrorOptions {
  /** What to do about this very fault, where more is known than the code tells. */
  readonly nextStep?: string | undefined
}

/** A literal `code`, typed `detail`, and the next step to take. */
export class BrandedError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "CheckpointError"
  readonly code: C
  readonly detail: ErrorDetails[C]
  /** What the reader of the message can do about it, a sentence or two. */
  readonly nextStep: string

  constructor(
    code: C,
    text: ErrorText<ErrorDetails[C]>,
    detail: ErrorDetails[C],
    options?: BrandedErrorOptions,
  ) {
    // Programs print it as it is.
    super(safeMessage(text.say(detail)), options)
    this.code = code
    this.detail = detail
    this.nextStep = options?.nextStep ?? text.next
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** `instanceof` goes by the brand too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value)
  }

  /** What `--json` prints. */
  toJSON(): { code: C; message: string; nextStep: string; detail: ErrorDetails[C] } {
    return { code: this.code, message: this.message, nextStep: this.nextStep, detail: this.detail }
  }
}

/** An error of the library as a union over its codes, so that comparing `code` narrows `detail`. */
export type AnyCheckpointError = { [C in ErrorCode]: BrandedError<C> }[ErrorCode]

/** True for an error of this library, whichever copy of the package threw it. */
export function isCheckpointError(value: unknown): value is AnyCheckpointError {
  return isBranded(value)
}

function isBranded(value: unknown): boolean {
  return typeof value === "object" && value !== null && BRAND in value
}
