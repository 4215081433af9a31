/** The one error class of the library. Bad input and failing media end in it and in nothing else. */

import { plainText, safeMessage } from "../text/quote-text.ts"
import type { ErrorCode, ErrorDetails } from "./all-errors.ts"
import type { ErrorRow, Fault } from "./error-row.ts"

/** Two copies of the package recognise each other's errors by this brand. */
const BRAND = /* @__PURE__ */ Symbol.for("tosafetensors.CheckpointError")

/** What an error may be given besides its detail. */
interface CheckpointErrorOptions extends ErrorOptions {
  /** What to do about this very fault, where more is known than the code tells. */
  readonly nextStep?: string | undefined
}

/** What a conversion that cannot go on throws: a literal `code`, typed `detail`, and the next step to take. */
export class CheckpointError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "CheckpointError"
  readonly code: C
  readonly detail: ErrorDetails[C]
  /** What the reader of the message can do about it, a sentence or two. */
  readonly nextStep: string

  /**
   * `row` is one of the rooms' files errors.ts, which is imported by whoever throws and by nobody else; or one of a caller
   * whose own source fails as ours do: `{ code: "input-changed", next: "…" }`.
   */
  constructor(row: ErrorRow<C, ErrorDetails[C]>, detail: ErrorDetails[C], options?: CheckpointErrorOptions) {
    const fault: Partial<Fault> = detail as object
    // Programs print it as it is.
    super(safeMessage(placeOf(fault) + (row.say?.(detail) ?? fault.problem)), options)
    this.code = row.code
    this.detail = detail
    this.nextStep = options?.nextStep ?? row.next
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** `instanceof` goes by the brand too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isCheckpointError(value)
  }

  /** What `JSON.stringify` writes. */
  toJSON(): { code: C; message: string; nextStep: string; detail: ErrorDetails[C] } {
    return { code: this.code, message: this.message, nextStep: this.nextStep, detail: this.detail }
  }
}

/** An error of the library as a union over its codes, so that comparing `code` narrows `detail`. */
export type AnyCheckpointError = { [C in ErrorCode]: CheckpointError<C> }[ErrorCode]

/** True for an error of this library, whichever copy of the package threw it. */
export function isCheckpointError(value: unknown): value is AnyCheckpointError {
  return typeof value === "object" && value !== null && BRAND in value
}

/** Where something is, with a colon; nothing when that is not known. */
function placeOf({ within, at }: Partial<Fault>): string {
  const file = within === undefined ? "" : plainText(within)
  if (at === undefined) return file === "" ? "" : `${file}: `
  return file === "" ? `at byte ${at}: ` : `${file}@${at}: `
}
