/**
 * DEFLATE in bounded memory, and not a byte more or less than the container claims (RFC 1951, with fflate 0.8).
 *
 * fflate's raw `Inflate` does not tell where a stream ended, so bytes hidden behind it would pass unseen. Its
 * `Gunzip` reports where the *next* gzip member begins. So the data is dressed up as a gzip member (RFC 1952:
 * 10 bytes of header, 8 of trailer, which fflate does not check) with the header of an empty second one behind it:
 * only when the data ended at its very last byte is that header found, and found where it stands.
 */

import type { FlateError, Gunzip as GunzipStream } from "fflate"
import { CheckpointError } from "../errors.ts"
import type { ByteExtent } from "./byte-extent.ts"
import { readExactly } from "./read-exactly.ts"

/** RFC 1952, 2.3: magic, deflate, no flags, no time, no extra flags, unknown system. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)
const GZIP_TRAILER_BYTES = 8

/** Deflate makes at most 258 bytes of 2 bits. */
const MAX_EXPANSION = 1032

/** Bytes fed at once. fflate emits all that a step yields, so a step holds at most 1,032 times this: 16 MiB. */
const STEP_BYTES = 16_384

/** Bytes read at once. */
const READ_BYTES = 262_144

/**
 * The decoded bytes of `extent`, whose coding is deflate, in order and in chunks that are not empty. What came before
 * an error must not be used.
 *
 * @throws `inflate` when the data is broken, or does not end at its last byte, or does not give `byteLength` bytes;
 *   and as `readExactly`.
 */
export async function* inflateExtent(extent: ByteExtent, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const { source, offset, storedLength, byteLength, name } = extent
  if (byteLength > storedLength * MAX_EXPANSION) {
    throw lie(extent, `${storedLength} bytes cannot inflate to ${byteLength}`)
  }
  // Loaded when it is needed: most checkpoints have nothing to inflate.
  const member = new GzipMember(extent, await import("./gunzip.ts"))
  for (let done = 0; done < storedLength; done += READ_BYTES) {
    const range = { offset: offset + done, length: Math.min(READ_BYTES, storedLength - done) }
    const bytes = await readExactly(source, range, signal, name)
    for (let step = 0; step < bytes.length; step += STEP_BYTES) {
      signal?.throwIfAborted()
      yield* member.push(bytes.subarray(step, step + STEP_BYTES))
    }
  }
  yield* member.finish()
}

type GunzipModule = typeof import("./gunzip.ts")

/** The data dressed up as a gzip member, going through fflate. */
class GzipMember {
  readonly #extent: ByteExtent
  readonly #gunzip: GunzipStream
  readonly #invalidHeader: number
  #chunks: Uint8Array[] = []
  #produced = 0
  /** Where fflate found a second member, counted from the first byte that it was given. */
  #nextMemberAt: number | undefined

  constructor(extent: ByteExtent, { FlateErrorCode, Gunzip }: GunzipModule) {
    this.#extent = extent
    this.#invalidHeader = FlateErrorCode.InvalidHeader
    this.#gunzip = new Gunzip((chunk) => {
      this.#produced += chunk.length
      if (chunk.length > 0) this.#chunks.push(chunk)
    })
    this.#gunzip.onmember = (at) => {
      this.#nextMemberAt ??= at
    }
    this.#gunzip.push(GZIP_HEADER)
  }

  /** Feeds `bytes` and returns what they give. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    const { byteLength, storedLength } = this.#extent
    this.#chunks = []
    try {
      this.#gunzip.push(bytes)
    } catch (cause) {
      const endsEarly = (cause as FlateError).code === this.#invalidHeader
      const problem = endsEarly
        ? `the deflate data ends before the last of its ${storedLength} bytes`
        : `the deflate data is broken (${cause instanceof Error ? cause.message : String(cause)})`
      throw lie(this.#extent, problem, cause)
    }
    if (this.#produced > byteLength)
      throw lie(this.#extent, `it inflates to more than its ${byteLength} bytes`)
    if (this.#nextMemberAt !== undefined) this.#requireExactEnd(this.#nextMemberAt)
    return this.#chunks
  }

  /** Feeds what makes fflate look for the second member, and checks that all was consumed and produced. */
  finish(): readonly Uint8Array[] {
    const { byteLength, storedLength } = this.#extent
    const last = [...this.push(new Uint8Array(GZIP_TRAILER_BYTES)), ...this.push(GZIP_HEADER)]
    if (this.#nextMemberAt === undefined) {
      throw lie(this.#extent, `the deflate data does not end within its ${storedLength} bytes`)
    }
    if (this.#produced !== byteLength) {
      throw lie(this.#extent, `it inflates to ${this.#produced} bytes, ${byteLength} are claimed`)
    }
    return last
  }

  #requireExactEnd(nextMemberAt: number): void {
    const { storedLength } = this.#extent
    if (nextMemberAt === GZIP_HEADER.length + storedLength + GZIP_TRAILER_BYTES) return
    throw lie(this.#extent, `the deflate data ends before the last of its ${storedLength} bytes`)
  }
}

function lie(extent: ByteExtent, problem: string, cause?: unknown): CheckpointError {
  const options = cause === undefined ? undefined : { cause }
  return new CheckpointError("inflate", { within: extent.name, at: extent.offset, problem }, options)
}
