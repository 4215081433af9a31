/**
 * A thread that copies ranges from one file to another and takes their CRC-32 on the way.
 *
 * Files are handed over as descriptors, which all threads of a process share. Reading, checking and writing in one
 * thread without going through the event loop is what lets two of them keep two cores busy.
 */

import { readSync, writeSync } from "node:fs"
import { parentPort } from "node:worker_threads"
import type { CopyAnswer, CopyFailure, CopyJob } from "./copy-job.ts"
import { nodeCrc32 } from "./node-crc32.ts"
import { systemCode } from "./system-errors.ts"

/**
 * Read, checked and written at once: small on purpose. What was read is still in the processor's cache when it is
 * checked and written. And for larger writes the kernel takes larger pages for its own cache; where those have to be
 * fetched from a host first (virtual machines that give free memory back) they cost six times as much: see
 * docs/performance.md.
 */
const COPY_BYTES = 128 * 1024

const buffer = new Uint8Array(COPY_BYTES)

parentPort?.on("message", (job: CopyJob) => parentPort?.postMessage(answer(job)))

function answer(job: CopyJob): CopyAnswer {
  let side: CopyFailure["side"] = "read"
  let crc32 = 0
  let copied = 0
  try {
    while (copied < job.length) {
      side = "read"
      const got = readSync(
        job.from,
        buffer,
        0,
        Math.min(COPY_BYTES, job.length - copied),
        job.offset + copied,
      )
      if (got === 0) break
      if (job.checksum) crc32 = nodeCrc32(buffer.subarray(0, got), crc32)
      side = "write"
      for (let written = 0; written < got; ) {
        const taken = writeSync(job.to, buffer, written, got - written, job.position + copied + written)
        if (taken === 0) throw new Error("the system took no bytes and gave no reason")
        written += taken
      }
      copied += got
    }
    return { copied, crc32 }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { failed: { side, code: systemCode(error), message } }
  }
}
