/** What callers have, as sources: bytes in memory, a `Blob`, or slices that are handed out, as by hyparquet's `AsyncBuffer`. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteSource } from "./byte-source.ts"
import { INPUT_CHANGED } from "./errors.ts"
import { allocate, invalidArgument } from "./failures.ts"

/**
 * A source over `bytes`, which must not change while it is used: reading hands out views. That its buffer was transferred
 * away, or made too short, is noticed.
 *
 * @throws `invalid-argument` when it was transferred before.
 */
export function memorySource(bytes: Uint8Array): ByteSource {
  const { byteLength } = bytes
  const view = viewOf(bytes)
  const requireThere = (): void => {
    // Whatever became of the buffer, the length of a view that no longer fits is 0.
    if (view.byteLength === byteLength) return
    const problem = `the memory of its ${byteLength} bytes was transferred or given back while it was read`
    throw new CheckpointError(INPUT_CHANGED, { problem })
  }
  return {
    byteLength,
    async read(offset, length) {
      requireThere()
      return view.subarray(offset, offset + length)
    },
    assertUnchanged: async () => requireThere(),
  }
}

/** A copy, that nobody else can change. @throws as `memorySource`; `read-failed` when there is no room for it. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const view = viewOf(bytes)
  const copy = allocate(view.byteLength, "the input")
  copy.set(view)
  return copy
}

/** With a length of its own: one that follows its buffer could grow. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(buffer, byteOffset, byteLength)
  } catch {
    throw invalidArgument("input", "its memory has been transferred to somebody else")
  }
}

/** What reading a `Blob` takes: one of another realm has it, and so has a class that only looks like one. */
export interface BlobLike {
  /** Bytes. */
  readonly size: number
  slice(start?: number, end?: number): { arrayBuffer(): Promise<ArrayBuffer> }
  arrayBuffer(): Promise<ArrayBuffer>
}

/**
 * A source over `blob`, of which only what is read comes into memory. One of this realm's own stays reachable, so that its
 * slices can be handed on unread.
 */
export function blobSource(blob: BlobLike): ByteSource {
  return {
    byteLength: blob.size,
    ...(isPlainBlob(blob) ? { blob } : {}),
    async read(offset, length) {
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
}

/**
 * Whether a Blob can be made of slices of `blob`. A class that extends Blob may keep its bytes elsewhere (`WebBlob` of
 * @huggingface/hub fetches them), and the platform, which looks at none of its methods, would take it for empty.
 */
function isPlainBlob(blob: BlobLike): blob is Blob {
  const prototype: unknown = Object.getPrototypeOf(blob)
  return prototype === Blob.prototype || (typeof File === "function" && prototype === File.prototype)
}

/** Bytes that are fetched slice by slice. An `ArrayBuffer` of another realm is one too. */
export interface AsyncBuffer {
  /** Length in bytes. It must not change while the buffer is used. */
  readonly byteLength: number
  /** The bytes of `[start, end)`. */
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>
}

/** A source over `buffer`. */
export function asyncBufferSource(buffer: AsyncBuffer): ByteSource {
  return {
    byteLength: buffer.byteLength,
    async read(offset, length) {
      const slice: unknown = await buffer.slice(offset, offset + length)
      // Whoever reads says what is wrong with an answer that is neither.
      return (isArrayBuffer(slice) ? new Uint8Array(slice) : slice) as Uint8Array
    },
  }
}

/** Also one of another realm, which `instanceof` would not know. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]"
}

/** Memory that threads share. */
export function isSharedArrayBuffer(value: unknown): value is SharedArrayBuffer {
  return Object.prototype.toString.call(value) === "[object SharedArrayBuffer]"
}
