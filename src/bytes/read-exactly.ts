/**
 * The one place that reads: it delivers what was asked for, or throws. A source may be the caller's own, so its answers
 * are looked at before they are believed, and an aborted signal ends the wait for one that does not come.
 */

import type { ErrorCode } from "../errors/all-errors.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteSource } from "./byte-source.ts"
import { READ_FAILED } from "./errors.ts"
import { allocate, readFailed, truncated } from "./failures.ts"
import { unlessAborted } from "./turns.ts"

/** Codes that say nothing about the bytes of the input. */
const NOT_THE_BYTES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid-argument",
  "read-failed",
  "write-failed",
  "output-exists",
  "output-is-input",
  "output-incomplete",
  "blob-memory",
])

/** A half-open range of a source, in bytes. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/**
 * The `length` bytes at `offset`, in an array that is nobody else's: what a source of the caller's answers with may be
 * written to or transferred away as soon as the caller's code runs again.
 *
 * @throws `truncated` when the source has fewer, before reading where its length says so;
 *   `read-failed` when the source itself fails, or answers with something that is no answer; the signal's reason,
 *   untouched, when aborted.
 */
export async function readExactly(
  source: ByteSource,
  range: ByteRange,
  signal?: AbortSignal,
  within?: string,
): Promise<Uint8Array> {
  if (range.length === 0) {
    requireInside(source, range, within)
    signal?.throwIfAborted()
    return new Uint8Array(0)
  }
  const copy = (view: Uint8Array): Uint8Array => {
    const bytes = allocate(range.length, within ?? "the file")
    bytes.set(view)
    return bytes
  }
  return useExactly(source, range, copy, signal, within)
}

/**
 * What `use` makes of the `length` bytes at `offset`, which it must be done with when it returns: they may be the source's
 * own, and one copy is saved (a quarter of a conversion in memory). Otherwise as `readExactly`.
 */
export async function useExactly<Result>(
  source: ByteSource,
  range: ByteRange,
  use: (bytes: Uint8Array) => Result,
  signal?: AbortSignal,
  within?: string,
): Promise<Result> {
  requireInside(source, range, within)
  signal?.throwIfAborted()
  const answer: unknown = await guard(() => source.read(range.offset, range.length, signal), signal)
  return use(requireAnswer(answer, range, within))
}

/** Fills `target` from `offset`; otherwise as `readExactly`. */
export async function readExactlyInto(
  source: ByteSource,
  offset: number,
  target: Uint8Array,
  signal?: AbortSignal,
  within?: string,
): Promise<void> {
  const length = target.byteLength
  requireInside(source, { offset, length }, within)
  if (length > 0 && source.readInto === undefined) {
    return useExactly(source, { offset, length }, (bytes) => target.set(bytes), signal, within)
  }
  let filled = 0
  while (filled < length) {
    signal?.throwIfAborted()
    const part = filled === 0 ? target : target.subarray(filled)
    const from = offset + filled
    const got: unknown = await guard(() => source.readInto?.(from, part, signal), signal)
    // Anything else than a count would end this loop with bytes that nobody has read.
    if (!isCount(got, part.byteLength)) throw noAnswer(`no count of at most ${part.byteLength} bytes`)
    if (got === 0) throw truncated(within, offset, length, filled)
    filled += got
  }
}

/**
 * Asks the source, where it can tell, whether its bytes are still those of the start.
 *
 * @throws `input-changed`; `read-failed` when the source fails; the signal's reason when aborted.
 */
export async function requireUnchanged(source: ByteSource, signal?: AbortSignal): Promise<void> {
  await guard(() => source.assertUnchanged?.(), signal)
}

/** `error`, or that the source has changed meanwhile: then what was wrong with its bytes says nothing about the file. */
export async function explained(error: unknown, source: ByteSource, signal?: AbortSignal): Promise<unknown> {
  if (!isCheckpointError(error) || NOT_THE_BYTES.has(error.code)) return error
  return requireUnchanged(source, signal).then(
    () => error,
    (changed: unknown) => (isCheckpointError(changed) && changed.code === "input-changed" ? changed : error),
  )
}

/** Also for an array of another realm, which `instanceof` would not know. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]"
}

/** To be copied from before anything else is waited for. */
function requireAnswer(
  answer: unknown,
  { offset, length }: ByteRange,
  within: string | undefined,
): Uint8Array {
  if (!isBytes(answer)) throw noAnswer("something that is no Uint8Array")
  if (answer.byteLength > length) {
    throw noAnswer(`${answer.byteLength} bytes where ${length} were asked for`)
  }
  if (answer.byteLength < length) throw truncated(within, offset, length, answer.byteLength)
  return answer
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most
}

function noAnswer(answer: string): Error {
  return new CheckpointError(READ_FAILED, { reason: `the source answered with ${answer}` })
}

function requireInside(source: ByteSource, { offset, length }: ByteRange, within: string | undefined): void {
  if (offset + length <= source.byteLength) return
  throw truncated(within, offset, length, Math.max(0, source.byteLength - offset))
}

async function guard(read: () => unknown, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return await unlessAborted(read(), signal)
  } catch (cause) {
    signal?.throwIfAborted()
    if (isCheckpointError(cause)) throw cause
    throw readFailed(cause)
  }
}
