/** What is said of a request that failed, and whether asking again may help. */

import { foreignReason } from "../error-wording.ts"
import { ReadingError } from "../reading-errors.ts"

/** A failure that may pass: what to throw if it does not. */
export class PassingFailure {
  readonly error: ReadingError
  /** How long the server asks to wait. */
  readonly waitMs: number | undefined

  constructor(error: ReadingError, waitMs?: number) {
    this.error = error
    this.waitMs = waitMs
  }
}

/** Codes of the 4xx that may pass; 5xx all may. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429]

const HOW_TO_PASS = "(--header 'authorization: …', `http: { headers: { authorization: … } }`)"

const REASONS: ReadonlyMap<number, string> = new Map([
  [401, `it wants to know who asks: pass a token ${HOW_TO_PASS}`],
  [403, `it does not allow this: a token may be needed ${HOW_TO_PASS}`],
  [404, "there is no such file"],
  [407, "a proxy wants to know who asks"],
  [410, "there is no such file any more"],
  [416, "it has no such range, though the file reaches that far"],
  [429, "it has had too many requests"],
])

/** Where the file is, for messages: a query may hold a signature, which is a key to the file. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname
}

export function readFailed(url: URL, reason: string, options?: ErrorOptions): ReadingError {
  return new ReadingError("read-failed", { path: shownUrl(url), reason }, options)
}

export function inputChanged(url: URL, problem: string): ReadingError {
  return new ReadingError("input-changed", { within: shownUrl(url), problem })
}

/** A request that got no answer, or whose answer broke off. */
export function networkFailure(url: URL, cause: unknown): PassingFailure {
  const reason = foreignReason(cause)
  const why = cause instanceof Error && cause.cause instanceof Error ? foreignReason(cause.cause) : undefined
  // Browsers tell a page nothing of what the server has not allowed it to see.
  const hint =
    cause instanceof TypeError && why === undefined
      ? " (in a web page: the server may not allow pages of other sites to read it, which is called CORS)"
      : ""
  const said = why === undefined || why === "" ? reason : `${reason}: ${why}`
  return new PassingFailure(readFailed(url, `the request failed: ${said}${hint}`, { cause }))
}

/** A request that was taken, and then nothing came for so long. */
export function stalled(url: URL, limitMs: number): PassingFailure {
  const reason =
    `the server sent nothing for ${limitMs / 1000} seconds, and was asked again in vain: try later, or ` +
    "give it more time (--stall-timeout, `http: { stallTimeoutMs: … }`)"
  const cause = new DOMException("the server sent nothing", "TimeoutError")
  return new PassingFailure(readFailed(url, reason, { cause }))
}

/** An answer with a status that brings no bytes. */
export function statusFailure(url: URL, { status, headers }: Response): ReadingError | PassingFailure {
  const reason = REASONS.get(status)
  const error = readFailed(url, `the server answered ${status}${reason === undefined ? "" : `: ${reason}`}`)
  const passes = status >= 500 || PASSING_STATUSES.includes(status)
  return passes ? new PassingFailure(error, retryAfterMs(headers.get("retry-after"))) : error
}

/** Seconds, or a date. RFC 9110, 10.2.3. */
function retryAfterMs(text: string | null): number | undefined {
  if (text === null) return undefined
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
