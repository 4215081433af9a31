/** A thread that takes the SHA-256 of a file. The file is handed over as a descriptor: threads share those. */

import { createHash } from "node:crypto"
import { readSync } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import type { DigestAnswer, DigestJob } from "./sha256.ts"
import { systemCode } from "./system-errors.ts"

/** Read and hashed at once: what was read is still in the processor's cache then. */
const READ_BYTES = 128 * 1024

parentPort?.postMessage(answer(workerData))

function answer({ descriptor, byteLength }: DigestJob): DigestAnswer {
  const buffer = new Uint8Array(READ_BYTES)
  const hash = createHash("sha256")
  try {
    for (let offset = 0; offset < byteLength; ) {
      const got = readSync(descriptor, buffer, 0, Math.min(READ_BYTES, byteLength - offset), offset)
      if (got === 0) return { got: offset }
      hash.update(got === READ_BYTES ? buffer : buffer.subarray(0, got))
      offset += got
    }
    return { sha256: hash.digest("hex") }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { failed: { code: systemCode(error), message } }
  }
}
