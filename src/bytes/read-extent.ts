/** A small run of bytes, whole: read, decoded, and checked against its checksum. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { type ByteExtent, locateExtents } from "./byte-extent.ts"
import { type Crc32, crc32 as portableCrc32 } from "./crc32.ts"
import { CHECKSUM } from "./errors.ts"
import { allocate } from "./failures.ts"
import { readExactly } from "./read-exactly.ts"
import { turnIfDue } from "./turns.ts"

/** Bytes whose checksum is taken before the event loop may turn: a millisecond or two. */
const CHECKED_BYTES = 1024 * 1024

/** How to read. */
export interface ReadExtentOptions {
  /** A native CRC-32 of the platform. Default: the portable one. */
  readonly crc32?: Crc32
  /** A native inflater of the platform. Default: the portable one. */
  readonly inflate?: InflateExtent | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * All bytes of `extent`, in an array of their own. It takes `byteLength` bytes of memory: compare that with a limit
 * first.
 *
 * @throws `checksum`, `inflate`; and as `readExactly`.
 */
export async function readExtent(extent: ByteExtent, options: ReadExtentOptions = {}): Promise<Uint8Array> {
  const { signal, crc32 = portableCrc32 } = options
  if (extent.locator !== undefined) await locateExtents([extent], signal)
  const { source, offset, storedLength: length, name, crc32: expected } = extent
  const bytes =
    extent.coding === "stored"
      ? await readExactly(source, { offset, length }, signal, name)
      : await inflateWhole(extent, options)
  if (expected !== undefined) {
    let actual = 0
    for (let done = 0; done < bytes.byteLength; done += CHECKED_BYTES) {
      actual = crc32(bytes.subarray(done, done + CHECKED_BYTES), actual)
      await turnIfDue(signal)
    }
    if (actual !== expected) throw new CheckpointError(CHECKSUM, { within: name, expected, actual })
  }
  return bytes
}

async function inflateWhole(
  extent: ByteExtent,
  { signal, inflate = inflateExtent }: ReadExtentOptions,
): Promise<Uint8Array> {
  let whole: Uint8Array | undefined
  let filled = 0
  for await (const chunk of inflate(extent, signal)) {
    // Allocated when the data has begun to inflate: an impossible size was refused by then.
    whole ??= allocate(extent.byteLength, extent.name)
    whole.set(chunk, filled)
    filled += chunk.length
    await turnIfDue(signal)
  }
  return whole ?? new Uint8Array(0)
}

/**
 * The first `length` bytes of `extent`, which has been located and has as many. They are checked against no checksum: that
 * is of the whole.
 */
export async function readBeginning(
  extent: ByteExtent,
  length: number,
  { signal, inflate = inflateExtent }: Omit<ReadExtentOptions, "crc32">,
): Promise<Uint8Array> {
  const { source, offset, name } = extent
  if (extent.coding === "stored") return readExactly(source, { offset, length }, signal, name)
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const chunk of inflate(extent, signal)) {
    const part = chunk.subarray(0, length - filled)
    bytes.set(part, filled)
    filled += part.length
    if (filled === length) break
  }
  return bytes
}

/** `inflateExtent`, or what a runtime has for it that is faster and as strict. */
export type InflateExtent = (extent: ByteExtent, signal?: AbortSignal) => AsyncGenerator<Uint8Array>

/**
 * The decoded bytes of `extent`, whose coding is deflate (RFC 1951), in order and in chunks that are not empty. What came
 * before an error must not be used.
 *
 * @throws `inflate` when the data is broken, or does not end at its last byte, or does not give `byteLength` bytes;
 *   and as `readExactly`.
 */
export async function* inflateExtent(extent: ByteExtent, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  // torch stores, so most checkpoints have nothing to inflate.
  const { pakoInflate } = await import("./pako-inflate.ts")
  yield* pakoInflate(extent, signal)
}
