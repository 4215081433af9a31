/**
 * Deflate data. What zlib inflates to its last byte must come out the same here; with a byte more or less claimed, or a
 * byte behind it, it must be refused; and what zlib refuses must be refused here.
 */

import { constants, inflateRawSync } from "node:zlib"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { memorySource } from "../../src/bytes/memory-source.ts"
import { readExtent } from "../../src/bytes/read-extent.ts"
import { changeDeflate } from "../formats/change-deflate.ts"
import { type FuzzTarget, outcomeOf, require } from "../target.ts"

export const target: FuzzTarget = {
  rooms: ["bytes/inflate.ts", "bytes/read-extent.ts"],
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
    const made = inflateRawSync(bytes, { info: true }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return { output: made.buffer, consumed: made.engine.bytesWritten }
  } catch {
    return undefined
  }
}

/** How much zlib can make of broken data: a claim of that length is the likeliest to pass. */
async function refused(bytes: Uint8Array): Promise<string> {
  let length = 0
  try {
    length = inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).length
  } catch {
    // Broken, not merely cut off.
  }
  for (const claimed of new Set([length, 0])) {
    const made = await inflate(bytes, claimed)
    require(made.error !== undefined, `accepted with ${claimed} bytes claimed, and zlib refuses it`)
  }
  await requireNothingPasses(bytes)
  return length > 0 ? "cut off" : "refused"
}

/** Claims what the library itself says that it would make. */
async function requireNothingPasses(bytes: Uint8Array): Promise<void> {
  const made = await inflate(bytes, bytes.length * 1032)
  const said = /it inflates to (\d+) bytes/.exec(made.error?.message ?? "")?.[1]
  if (said === undefined) return
  const again = await inflate(bytes, Number(said))
  require(again.error !== undefined, "accepted with the length that it makes, and zlib refuses it")
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
