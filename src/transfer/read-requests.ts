/** Reads many byte ranges with few reads: neighbours in the file share one. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { readExactly, readExactlyInto } from "../bytes/read-exactly.ts"

/** Ranges of a source that are further apart than this are not worth one read. */
const GAP_BYTES = 64 * 1024

/** Bytes of one shared read. */
const SHARED_BYTES = 2 * 1024 * 1024

/** Bytes of a stored extent, and where they are wanted. */
export interface ReadRequest {
  readonly extent: ByteExtent
  /** First byte in the extent. */
  readonly offset: number
  readonly length: number
  readonly target: Uint8Array
  /** Where in `target` they are wanted. */
  readonly at: number
  /** Called once they are there, with the same bytes, which may lie elsewhere by now and are not kept. */
  readonly done: (request: ReadRequest, bytes: Uint8Array) => void
}

/** Fills the targets of all requests. */
export async function readRequests(
  requests: readonly ReadRequest[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (requests.length === 1) return readAlone(requests[0] as ReadRequest, signal)
  const underWay: Promise<void>[] = []
  const ordered = [...requests].sort((a, b) => fileOffset(a) - fileOffset(b))
  for (let first = 0; first < ordered.length; ) {
    const group = takeGroup(ordered, first)
    first += group.length
    const [request] = group as [ReadRequest]
    const reading = group.length === 1 ? readAlone(request, signal) : readShared(group, signal)
    // A disk is kept busy by the chunks in flight; of a server more is asked at once.
    if (request.extent.source.readCost !== "high") await reading
    else underWay.push(reading)
    // Whoever waits for it may come later than its failure.
    reading.catch(() => {})
  }
  // No target is written to any more when a failure is reported.
  for (const ended of await Promise.allSettled(underWay)) {
    if (ended.status === "rejected") throw ended.reason
  }
}

function takeGroup(ordered: readonly ReadRequest[], first: number): readonly ReadRequest[] {
  const head = ordered[first] as ReadRequest
  const start = fileOffset(head)
  let end = start + head.length
  let next = first + 1
  for (; next < ordered.length; next++) {
    const request = ordered[next] as ReadRequest
    const offset = fileOffset(request)
    const newEnd = Math.max(end, offset + request.length)
    if (request.extent.source !== head.extent.source || offset - end > GAP_BYTES) break
    if (newEnd - start > SHARED_BYTES) break
    end = newEnd
  }
  return ordered.slice(first, next)
}

async function readAlone(request: ReadRequest, signal: AbortSignal | undefined): Promise<void> {
  const { source, name } = request.extent
  const { target, at, length } = request
  const bytes = target.subarray(at, at + length)
  await readExactlyInto(source, fileOffset(request), bytes, signal, name)
  request.done(request, bytes)
}

async function readShared(group: readonly ReadRequest[], signal: AbortSignal | undefined): Promise<void> {
  const { source } = (group[0] as ReadRequest).extent
  const offset = fileOffset(group[0] as ReadRequest)
  const end = group.reduce((latest, r) => Math.max(latest, fileOffset(r) + r.length), offset)
  const bytes = await readExactly(source, { offset, length: end - offset }, signal)
  for (const request of group) {
    const start = fileOffset(request) - offset
    const part = bytes.subarray(start, start + request.length)
    request.target.set(part, request.at)
    request.done(request, part)
  }
}

function fileOffset({ extent, offset }: ReadRequest): number {
  return extent.offset + offset
}
