/** The one place that reads: it delivers what was asked for, or throws. */

import { CheckpointError, isCheckpointError } from "../errors.ts"
import type { ByteSource } from "./byte-source.ts"

/** A half-open range of a source, in bytes. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/**
 * The `length` bytes at `offset`.
 *
 * @throws `truncated` when the source has fewer, before reading where its length says so;
 *   `read-failed` when the source itself fails; the signal's reason, untouched, when aborted.
 */
export async function readExactly(
  source: ByteSource,
  range: ByteRange,
  signal?: AbortSignal,
  within?: string,
): Promise<Uint8Array> {
  const { offset, length } = range
  requireInside(source, range, within)
  signal?.throwIfAborted()
  if (length === 0) return new Uint8Array(0)
  const bytes = await guard(() => source.read(offset, length, signal), signal)
  if (bytes.byteLength !== length) throw shortRead(within, offset, length, bytes.byteLength)
  return bytes
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
  if (source.readInto === undefined) {
    target.set(await readExactly(source, { offset, length }, signal, within))
    return
  }
  requireInside(source, { offset, length }, within)
  let filled = 0
  while (filled < length) {
    signal?.throwIfAborted()
    const part = filled === 0 ? target : target.subarray(filled)
    const from = offset + filled
    const got = await guard(async () => (await source.readInto?.(from, part, signal)) ?? 0, signal)
    if (got <= 0) throw shortRead(within, offset, length, filled)
    filled += got
  }
}

function requireInside(source: ByteSource, { offset, length }: ByteRange, within: string | undefined): void {
  if (offset + length <= source.byteLength) return
  throw shortRead(within, offset, length, Math.max(0, source.byteLength - offset))
}

function shortRead(within: string | undefined, at: number, wanted: number, got: number): CheckpointError {
  return new CheckpointError("truncated", { ...(within === undefined ? {} : { within }), at, wanted, got })
}

async function guard<T>(read: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    signal?.throwIfAborted()
    if (isCheckpointError(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CheckpointError("read-failed", { reason }, { cause })
  }
}
