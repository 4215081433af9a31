/**
 * One request for one range, and a look at its answer: 206, the very range, the very file. RFC 9110, 14 and 15.3.7.
 *
 * Servers and what stands between are of all kinds. An answer that is not exactly what was asked for would put bytes of
 * one place, or of another file, into a tensor.
 */

import { toSafeInteger } from "../bytes/byte-cursor.ts"
import type { ReadFailure } from "../bytes/errors.ts"
import type { ByteRange } from "../bytes/read-exactly.ts"
import { unlessAborted } from "../bytes/turns.ts"
import type { CheckpointError } from "../errors/checkpoint-error.ts"
import { quoteText } from "../text/quote-text.ts"
import { inputChanged, networkFailure, PassingFailure, readFailed, statusFailure } from "./http-failures.ts"
import { type HttpOptions, mayFollowRedirects } from "./http-options.ts"

/** What all answers must agree on. */
export interface RemoteFile {
  readonly byteLength: number
  /** A strong ETag; else the time of the last change; else a weak ETag; else nothing. */
  readonly version: { readonly header: "etag" | "last-modified"; readonly value: string } | undefined
}

/** An answer that may be read. */
export interface RangeAnswer {
  readonly file: RemoteFile
  /** Bytes that the body holds. */
  readonly length: number
  /** Undefined when there is nothing. */
  readonly body: ReadableStream<Uint8Array> | undefined
}

/** Asks for ranges of the file at a URL. */
export class RangeRequests {
  readonly url: URL
  readonly #fetch: NonNullable<HttpOptions["fetch"]>
  readonly #headers: Headers

  constructor(url: URL, { fetch = platformFetch, headers = {} }: HttpOptions) {
    this.url = url
    this.#fetch = fetch
    this.#headers = new Headers(headers as Record<string, string>)
  }

  /**
   * Asks for `range`, of which the file may hold less only when `known` is not yet known.
   *
   * @throws PassingFailure when asking again may help; `read-failed`, `input-changed`; the signal's reason.
   */
  async ask(range: ByteRange, known: RemoteFile | undefined, signal: AbortSignal): Promise<RangeAnswer> {
    const response = await this.#send(range, signal)
    if (!isResponse(response)) throw this.#failed("fetch answered with something that is no Response")
    try {
      return this.#look(response, range, known)
    } catch (error) {
      // Nothing more of an answer that is of no use is to be sent.
      response.body?.cancel().catch(() => {})
      throw error
    }
  }

  async #send({ offset, length }: ByteRange, signal: AbortSignal): Promise<Response> {
    const headers = new Headers(this.#headers)
    headers.set("range", `bytes=${offset}-${offset + length - 1}`)
    // Not as a method: the platform's own fetch refuses to be one of anything but the global object.
    const fetch = this.#fetch
    const redirect = mayFollowRedirects(this.#headers) ? "follow" : "manual"
    try {
      // Of a range browsers would keep a part of a file, and have requests for the same file wait for one another.
      const answer = fetch(this.url.href, { headers, redirect, signal, cache: "no-store" })
      // One of the caller's own need not heed the signal.
      return await unlessAborted(answer, signal)
    } catch (cause) {
      signal.throwIfAborted()
      throw networkFailure(this.url, cause)
    }
  }

  #look(response: Response, asked: ByteRange, known: RemoteFile | undefined): RangeAnswer {
    const { status, headers } = response
    this.#requirePlace(response)
    const said = parseContentRange(headers.get("content-range"))
    if (status === 416 && said?.range === undefined && said !== undefined)
      return this.#pastEnd(said, response, known)
    if (status === 200) throw this.#wholeFile(headers)
    if (status !== 206) throw statusFailure(this.url, response, this.#hasToken)
    const file = this.#identify(response, said)
    this.#requireSame(file, known)
    const length = Math.min(asked.length, file.byteLength - asked.offset)
    const { range } = said ?? {}
    if (range?.offset !== asked.offset || range.length !== length) {
      const got = range === undefined ? "none" : `${range.length} from ${range.offset} on`
      throw this.#failed(
        `${length} bytes from ${asked.offset} on were asked for, and the server sends ${got}`,
      )
    }
    this.#requireLength(headers.get("content-length"), length)
    if (response.body === null) throw new PassingFailure(this.#failed("the answer has no body"))
    return { file, length, body: response.body }
  }

  /** Redirects end where their headers may go, and never where everybody can listen in. */
  #requirePlace({ type, status, redirected, url }: Response): void {
    if (type === "opaqueredirect" || (status >= 300 && status < 400)) {
      const problem = "the server redirects to another address, where the given headers would be sent as well"
      throw this.#failed(problem, "redirect")
    }
    if (redirected && this.url.protocol === "https:" && url.startsWith("http:")) {
      throw readFailed(this.url, "the server redirects to an address without encryption (http:)", {
        failure: "redirect",
        nextStep:
          "Ask whoever runs the server to fix this: without encryption anybody could change the file on the way.",
      })
    }
  }

  /** A file without a byte has no range that could be asked for. */
  #pastEnd(said: ContentRange, response: Response, known: RemoteFile | undefined): RangeAnswer {
    const file = { byteLength: said.byteLength, version: versionOf(response.headers) }
    if (known === undefined && said.byteLength === 0) {
      response.body?.cancel().catch(() => {})
      return { file, length: 0, body: undefined }
    }
    if (known !== undefined && known.byteLength !== said.byteLength) this.#requireSame(file, known)
    throw statusFailure(this.url, response, this.#hasToken)
  }

  #identify({ headers }: Response, said: ContentRange | undefined): RemoteFile {
    const encoding = headers.get("content-encoding") ?? "identity"
    if (encoding !== "identity")
      throw this.#failed(`the server sends a part of a compressed form (${quoteText(encoding)}) of the file`)
    if (said !== undefined) return { byteLength: said.byteLength, version: versionOf(headers) }
    const text = headers.get("content-range")
    throw this.#failed(
      text === null
        ? "the server does not say which part of the file it sends (Content-Range; for a web page of another site it must also name that in Access-Control-Expose-Headers)"
        : "the server does not say how long the file is, or sends what cannot be (Content-Range)",
    )
  }

  #requireSame(file: RemoteFile, known: RemoteFile | undefined): void {
    if (known === undefined) return
    if (file.byteLength !== known.byteLength) {
      throw inputChanged(this.url, `the file had ${known.byteLength} bytes and has ${file.byteLength} now`)
    }
    if (file.version?.header === known.version?.header && file.version?.value === known.version?.value) return
    throw inputChanged(this.url, "the server has another version of the file now (ETag or Last-Modified)")
  }

  #requireLength(text: string | null, length: number): void {
    if (text === null || text === String(length)) return
    throw this.#failed(`the server announces a body of another length than the ${length} bytes of the range`)
  }

  /** Pages are made anew for each request, so that their servers know no ranges either. */
  #wholeFile(headers: Headers): CheckpointError {
    const isPage = /^text\/html\b/i.test(headers.get("content-type") ?? "")
    return isPage
      ? this.#failed("the server sends a web page, and no file", "web-page")
      : this.#failed(
          "the server sends the whole file where a part of it was asked for (it knows no range requests): nothing was downloaded",
          "no-ranges",
        )
  }

  get #hasToken(): boolean {
    return this.#headers.has("authorization")
  }

  #failed(reason: string, failure?: ReadFailure): CheckpointError {
    return readFailed(this.url, reason, { failure })
  }
}

/** By what it can do: the caller's own `fetch` may have a class of its own. */
function isResponse(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  const { status, headers, body } = value as Partial<Response>
  if (typeof status !== "number" || typeof headers?.get !== "function") return false
  return body === null || typeof body?.getReader === "function"
}

function platformFetch(url: string, init: RequestInit): Promise<Response> {
  return globalThis.fetch(url, init)
}

function versionOf(headers: Headers): RemoteFile["version"] {
  const etag = headers.get("etag")
  const changed = headers.get("last-modified")
  if (etag !== null && !etag.startsWith("W/")) return { header: "etag", value: etag }
  if (changed !== null) return { header: "last-modified", value: changed }
  return etag === null ? undefined : { header: "etag", value: etag }
}

/** What an answer holds of a whole of `byteLength`; nothing where the range could not be satisfied. RFC 9110, 14.4. */
interface ContentRange {
  readonly range: ByteRange | undefined
  readonly byteLength: number
}

const SATISFIED = /^bytes ([0-9]{1,19})-([0-9]{1,19})\/([0-9]{1,19})$/i
const UNSATISFIED = /^bytes \*\/([0-9]{1,19})$/i

/** What Content-Range says. Undefined for what is no such header, or does not say how long the whole is, or says what cannot be. */
export function parseContentRange(text: string | null): ContentRange | undefined {
  const [, whole] = UNSATISFIED.exec(text ?? "") ?? []
  const unsatisfied = toNumber(whole)
  if (unsatisfied !== undefined) return { range: undefined, byteLength: unsatisfied }
  const [first, last, byteLength] = (SATISFIED.exec(text ?? "") ?? []).slice(1).map(toNumber)
  if (first === undefined || last === undefined || byteLength === undefined) return undefined
  if (first > last || last >= byteLength) return undefined
  return { range: { offset: first, length: last - first + 1 }, byteLength }
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : toSafeInteger(BigInt(digits))
}
