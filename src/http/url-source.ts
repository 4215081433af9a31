/**
 * A file on a server as a source: range requests and nothing else.
 *
 * The first request is for the file's head, which tells its length and version and is what every reader looks at first.
 * A suffix range would bring an archive's tail as well, but browsers ask a server of another site for leave before they
 * send one, and not every server knows it.
 */

import type { ByteSource } from "../bytes/byte-source.ts"
import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { readFailed, shownUrl } from "./http-failures.ts"
import type { HttpOptions } from "./http-options.ts"
import { isHttp } from "./http-url.ts"
import { KeptBytes } from "./kept-bytes.ts"
import { MergedReads } from "./merged-reads.ts"
import type { Waiting } from "./range-reader.ts"
import { RangeReader } from "./range-reader.ts"
import { RangeRequests } from "./range-request.ts"

/** Bytes of the first request: what tells the format and, in most archives, the whole pickle. */
const HEAD_BYTES = 64 * 1024

export interface UrlSourceOptions extends HttpOptions, Waiting {
  readonly signal?: AbortSignal | undefined
}

/** An open URL. All its answers are of one version of the file, or an error. */
export class UrlSource implements ByteSource {
  readonly byteLength: number
  readonly readCost = "high"
  readonly #reads: MergedReads
  readonly #kept: KeptBytes
  readonly #url: URL

  constructor(url: URL, byteLength: number, reads: MergedReads, kept: KeptBytes) {
    this.#url = url
    this.byteLength = byteLength
    this.#reads = reads
    this.#kept = kept
  }

  /** What has been fetched lately is not fetched again. */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const { before, after } = this.#kept.endsOf(offset, length)
    if (before.length === length) return before
    const missing = { offset: offset + before.length, length: length - before.length - after.length }
    const middle = missing.length === 0 ? after : await this.#reads.read(missing, signal)
    if (middle.length === length) return middle
    const bytes = new Uint8Array(length)
    bytes.set(before)
    bytes.set(middle, before.length)
    bytes.set(after, length - after.length)
    return bytes
  }

  async close(): Promise<void> {
    this.#reads.close(readFailed(this.#url, "it has been closed"))
  }
}

/**
 * Opens `url`, of the protocol http or https, with one request.
 *
 * @throws `invalid-argument` for other URLs; `read-failed`; the signal's reason.
 */
export async function openUrlSource(url: URL, options: UrlSourceOptions): Promise<UrlSource> {
  requireHttp(url)
  const { signal = new AbortController().signal } = options
  signal.throwIfAborted()
  const reader = new RangeReader(new RangeRequests(new URL(url), options), options)
  const kept = new KeptBytes()
  kept.keep(0, await reader.read({ offset: 0, length: HEAD_BYTES }, signal))
  const reads = new MergedReads(async (range, readSignal) => {
    const bytes = await reader.read(range, readSignal)
    kept.keep(range.offset, bytes)
    return bytes
  })
  return new UrlSource(url, reader.byteLength, reads, kept)
}

function requireHttp(url: URL): void {
  const refuse = (problem: string): never => {
    throw new CheckpointError(INVALID_ARGUMENT, { argument: "input", problem })
  }
  if (!isHttp(url)) refuse(`of URLs http: and https: ones are opened, not ${url.protocol} ones`)
  if (url.username !== "" || url.password !== "") {
    refuse(`the URL of ${shownUrl(url)} holds a password: pass it as a header (\`http: { headers: … }\`)`)
  }
}
