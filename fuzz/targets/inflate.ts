/**
 * Deflate data. What zlib inflates to its last byte must come out the same here; with a byte
 * more or less claimed, or a byte behind it, it must be refused; and what zlib refuses must be refused here.
 */

import { inflateRawSync } from "node:zlib"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { readExtent } from "../../src/bytes/read-extent.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { changeDeflate } from "../formats/change-deflate.ts"
import { type FuzzTarget, outcomeOf, require } from "../target.ts"

/** Above this, inflating six times would leave little time for other inputs. */
const LONG_BYTES = 16_384

export const target: FuzzTarget = {
  rooms: ["bytes/inflate", "bytes/read-extent"],
  maxLength: 2048,
  mutate: changeDeflate,
  run: async (bytes) => {
    const expected = byZlib(bytes)
    if (expected === undefined) return refused(bytes)
    const { output, consumed } = expected
    const exact = bytes.subarray(0, consumed)
    const whole = await inflate(exact, output.length)
    require(whole.error === undefined, `refused, and zlib takes it: ${whole.error?.message}`)
    require(Buffer.compare(whole.value, output) === 0, "other bytes than by zlib")
    if (output.length > LONG_BYTES) return "accepted, long"
    await requireRefused(exact, output.length + 1)
    if (output.length > 0) await requireRefused(exact, output.length - 1)
    if (consumed === bytes.length) return "accepted"
    await requireRefused(bytes, output.length)
    return "accepted but for what follows"
  },
}

/** What zlib makes of the data and how many bytes of it it takes; undefined when it refuses it. */
function byZlib(bytes: Uint8Array): { output: Uint8Array; consumed: number } | undefined {
  try {
    const made = inflateRawSync(bytes, { info: true }) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    return { output: made.buffer, consumed: made.engine.bytesWritten }
  } catch {
    return undefined
  }
}

/** Claims more than can be there: only data that ends where it should gets so far that its own length is told. */
async function refused(bytes: Uint8Array): Promise<string> {
  const made = await inflate(bytes, bytes.length * 1032)
  const problem = made.error?.message ?? "accepted"
  require(made.error !== undefined &&
    !/it inflates to \d+ bytes/.test(problem), `zlib refuses it: ${problem}`)
  return problem.includes("broken") ? "broken" : "cut off"
}

async function requireRefused(bytes: Uint8Array, byteLength: number): Promise<void> {
  const made = await inflate(bytes, byteLength)
  require(made.error?.code === "inflate", `${byteLength} bytes claimed: ${made.error?.code ?? "accepted"}`)
}

function inflate(bytes: Uint8Array, byteLength: number): ReturnType<typeof outcomeOf<Uint8Array>> {
  const extent: ByteExtent = {
    source: memorySource(bytes),
    offset: 0,
    storedLength: bytes.length,
    byteLength,
    coding: "deflate",
    crc32: undefined,
    name: "member",
  }
  return outcomeOf(() => readExtent(extent))
}
