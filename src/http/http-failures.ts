/** What is said of a request that failed, and whether asking again may help. */

import { INPUT_CHANGED, READ_FAILED, type ReadFailure } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { foreignReason } from "../errors/error-row.ts"

/** A failure that may pass: what to throw if it does not. */
export class PassingFailure {
  readonly error: CheckpointError
  /** How long the server asks to wait. */
  readonly waitMs: number | undefined

  constructor(error: CheckpointError, waitMs?: number) {
    this.error = error
    this.waitMs = waitMs
  }
}

/** Codes of the 4xx that may pass; 5xx all may. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429]

/** What statuses mean. */
const STATUSES: ReadonlyMap<number, readonly [reason: string, failure?: ReadFailure]> = new Map<
  number,
  readonly [reason: string, failure?: ReadFailure]
>([
  [401, ["it wants to know who asks", "unauthorized"]],
  [403, ["it does not allow this", "forbidden"]],
  [404, ["there is no such file", "not-found"]],
  [407, ["a proxy wants to know who asks"]],
  [410, ["there is no such file any more", "not-found"]],
  [416, ["it has no such range, though the file reaches that far"]],
  [429, ["it has had too many requests", "too-many-requests"]],
])

/** What the Hub of Hugging Face adds to a refusal (`X-Error-Code`, huggingface_hub 1.0, `utils/_http.py`). */
const HUB_REASONS: ReadonlyMap<string | null, readonly [reason: string, failure: ReadFailure]> = new Map<
  string | null,
  readonly [reason: string, failure: ReadFailure]
>([
  ["GatedRepo", ["the repository gives its files to those who have accepted its conditions", "gated"]],
  ["RepoNotFound", ["there is no such repository, or it is private", "unauthorized"]],
  ["RevisionNotFound", ["the repository has no such revision", "not-found"]],
  ["EntryNotFound", ["the repository has no such file", "not-found"]],
])

/** Codes of the system and of Node's TLS where a connection fails. */
const CONNECTION_CODES: readonly (readonly [code: RegExp, reason: string, failure: ReadFailure])[] = [
  [/^(?:ENOTFOUND|EAI_AGAIN|EAI_NODATA)$/, "there is no server of that name", "dns"],
  [/^ECONNREFUSED$/, "the server takes no connections at that port", "refused-connection"],
  [
    /CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|SELF_SIGNED|^UNABLE_TO_/,
    "the server's certificate is not trusted",
    "tls",
  ],
]

/** What to do, by what went wrong. */
const NEXT_STEPS: ReadonlyMap<ReadFailure | undefined, string> = new Map<ReadFailure | undefined, string>([
  ["dns", "Check the address for a typing error, and that this computer is online."],
  ["forbidden", "Pass a token that may read the file: `http: { headers: { authorization: … } }`."],
  [
    "gated",
    "Accept the conditions on the repository's page, then pass a token of that account in `http.headers`.",
  ],
  ["no-ranges", "Fetch the file first, or pass the body of the response as a stream."],
  ["not-found", "Check the address: names of files and revisions must be exact."],
  ["redirect", "Pass the address that it redirects to, or no other header than authorization."],
  ["refused-connection", "Check the address and its port, and that the server runs."],
  ["server-error", "It was asked again in vain. Try later."],
  ["stalled", "Try later, or give it more time: `http: { stallTimeoutMs: … }`."],
  [
    "tls",
    "Check the address and this computer's clock. Do not go around the check: the file could be anybody's.",
  ],
  ["too-many-requests", "Try later. With a token most servers allow more: `http: { headers: … }`."],
  ["unauthorized", "Pass a token: `http: { headers: { authorization: … } }`."],
  [
    "web-page",
    "Name the address of the file itself: the page that shows it links to it, as Download or Raw.",
  ],
  [undefined, "Try again. If it fails again, fetch the file with another program, and name that file."],
])

const OTHER_TOKEN = "The token that was passed is not taken for this file: pass another, which may read it."

/** Where the file is, for messages: a query may hold a signature, which is a key to the file. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname
}

/** What is known of a failure besides its reason. */
export interface FailureDetail {
  readonly failure?: ReadFailure | undefined
  readonly nextStep?: string
  readonly cause?: unknown
}

export function readFailed(
  url: URL,
  reason: string,
  { failure, nextStep = NEXT_STEPS.get(failure), cause }: FailureDetail = {},
): CheckpointError {
  const detail = { path: shownUrl(url), reason, ...(failure === undefined ? {} : { failure }) }
  return new CheckpointError(READ_FAILED, detail, { nextStep, ...(cause === undefined ? {} : { cause }) })
}

export function inputChanged(url: URL, problem: string): CheckpointError {
  return new CheckpointError(INPUT_CHANGED, { within: shownUrl(url), problem })
}

/** A request that got no answer, or whose answer broke off. */
export function networkFailure(url: URL, cause: unknown): PassingFailure {
  const reason = foreignReason(cause)
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : undefined
  const code = inner !== undefined && "code" in inner ? foreignReason(String(inner.code)) : ""
  const known = CONNECTION_CODES.find(([codes]) => codes.test(code))
  if (known !== undefined) {
    return new PassingFailure(readFailed(url, `${known[1]} (${code})`, { failure: known[2], cause }))
  }
  const why = inner === undefined ? undefined : foreignReason(inner)
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
  const reason = `the server sent nothing for ${limitMs / 1000} seconds, and was asked again in vain`
  const cause = new DOMException("the server sent nothing", "TimeoutError")
  return new PassingFailure(readFailed(url, reason, { failure: "stalled", cause }))
}

/** An answer with a status that brings no bytes. `hasToken` is whether the request said who asks. */
export function statusFailure(
  url: URL,
  { status, headers }: Response,
  hasToken: boolean,
): CheckpointError | PassingFailure {
  const passes = status >= 500 || PASSING_STATUSES.includes(status)
  const [reason, failure = passes ? "server-error" : undefined] =
    HUB_REASONS.get(headers.get("x-error-code")) ?? STATUSES.get(status) ?? []
  const asksForToken = failure === "unauthorized" || failure === "forbidden"
  const error = readFailed(url, `the server answered ${status}${reason === undefined ? "" : `: ${reason}`}`, {
    failure,
    ...(asksForToken && hasToken ? { nextStep: OTHER_TOKEN } : {}),
  })
  return passes ? new PassingFailure(error, retryAfterMs(headers.get("retry-after"))) : error
}

/** Seconds, or a date. RFC 9110, 10.2.3. */
function retryAfterMs(text: string | null): number | undefined {
  if (text === null) return undefined
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
