/**
 * A thread that copies ranges from one file to another and takes their CRC-32 on the way.
 *
 * Files are handed over as descriptors, which all threads of a process share. Reading, checking and writing in one
 * thread without going through the event loop is what lets two of them keep two cores busy.
 */

import { readSync, writeSync } from "node:fs"
import { parentPort } from "node:worker_threads"
import type { CopyAnswer, CopyJob } from "./copy-job.ts"
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
  try {
    return copy(job)
  } catch (error) {
    return {
      failed: { code: systemCode(error), message: error instanceof Error ? error.message : String(error) },
    }
  }
}

function copy({ from, to, offset, position, length, checksum }: CopyJob): CopyAnswer {
  let crc32 = 0
  let copied = 0
  while (copied < length) {
    const got = readSync(from, buffer, 0, Math.min(COPY_BYTES, length - copied), offset + copied)
    if (got === 0) break
    if (checksum) crc32 = nodeCrc32(buffer.subarray(0, got), crc32)
    for (let written = 0; written < got; ) {
      written += writeSync(to, buffer, written, got - written, position + copied + written)
    }
    copied += got
  }
  return { copied, crc32 }
}
