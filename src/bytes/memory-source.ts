/** Bytes that are already in memory, as a source. Reading costs nothing: it hands out views. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { allocate } from "./allocate.ts"
import type { ByteSource } from "./byte-source.ts"
import { INPUT_CHANGED } from "./errors.ts"
import { invalidArgument } from "./failures.ts"

/**
 * A source over `bytes`, which must not change while it is used. That its buffer was transferred away, or made too
 * short, is noticed.
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
