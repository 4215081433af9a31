/** Copies a range from one file to another by blocking calls, and takes its CRC-32 on the way. */

import { readSync, writeSync } from "node:fs"
import type { CopyRequest } from "../bytes/byte-sink.ts"
import { CheckpointError } from "../errors.ts"
import type { CopyAnswer, CopyFailure, CopyJob } from "./copy-job.ts"
import { nodeCrc32 } from "./node-crc32.ts"
import { NOTHING_TAKEN, reasonOf, systemCode } from "./system-errors.ts"

/**
 * Read, checked and written at once: small on purpose. What was read is still in the processor's cache when it is
 * checked and written. And for larger writes the kernel takes larger pages for its own cache; where those have to be
 * fetched from a host first (virtual machines that give free memory back) they cost six times as much: see
 * docs/performance.md.
 */
const COPY_BYTES = 128 * 1024

let buffer: Uint8Array | undefined

/** Copies, waiting for nothing else meanwhile. What goes wrong with the files is in the answer. */
export function copyRange(job: CopyJob): CopyAnswer {
  buffer ??= new Uint8Array(COPY_BYTES)
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
        if (taken === 0) throw new Error(NOTHING_TAKEN)
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

/**
 * The CRC-32 of what `answer` says was copied.
 *
 * @throws `read-failed`, `truncated`; the system's error when writing has failed.
 */
export function copiedCrc32(
  answer: CopyAnswer,
  { offset, length }: Pick<CopyRequest, "offset" | "length">,
  inputPath: string,
): number {
  if ("failed" in answer) throw copyFailure(answer.failed, inputPath)
  const { copied, crc32 } = answer
  if (copied === length) return crc32
  throw new CheckpointError("truncated", { within: inputPath, at: offset, wanted: length, got: copied })
}

/** A failure to read is the input's, whoever reads. */
function copyFailure({ side, code, message }: CopyFailure, inputPath: string): Error {
  const cause = Object.assign(new Error(message), { code })
  if (side === "write") return cause
  return new CheckpointError("read-failed", { path: inputPath, reason: reasonOf(cause) }, { cause })
}
