/** Deflated extents in bounded memory, and not a byte more or less than the container claims. */

import { CheckpointError } from "../errors.ts"
import type { ByteExtent } from "./byte-extent.ts"
import { Inflater } from "./inflater.ts"
import { readExactly } from "./read-exactly.ts"

/** Deflate makes at most 258 bytes of 2 bits. */
const MAX_EXPANSION = 1032

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
  const lie = (problem: string): CheckpointError => {
    return new CheckpointError("inflate", { within: name, at: offset, problem })
  }
  if (byteLength > storedLength * MAX_EXPANSION) {
    throw lie(`${storedLength} bytes cannot inflate to ${byteLength}`)
  }
  const inflater = new Inflater(byteLength, lie)
  for (let done = 0; done < storedLength && !inflater.hasEnded; done += READ_BYTES) {
    const length = Math.min(READ_BYTES, storedLength - done)
    const bytes = await readExactly(source, { offset: offset + done, length }, signal, name)
    for (const chunk of inflater.push(bytes, done + length === storedLength)) {
      yield chunk
      signal?.throwIfAborted()
    }
  }
  if (!inflater.hasEnded) throw lie(`the deflate data does not end within its ${storedLength} bytes`)
  if (inflater.usedBytes !== storedLength) {
    throw lie(`the deflate data ends before the last of its ${storedLength} bytes`)
  }
  if (inflater.producedBytes !== byteLength) {
    throw lie(`it inflates to ${inflater.producedBytes} bytes, ${byteLength} are claimed`)
  }
}
