/** Copies ranges from one file to another by blocking calls, and takes their CRC-32 on the way. */

import { readSync, writeSync } from "node:fs"
import type { CopyAnswer, CopyFailure, CopyJob } from "./copy-job.ts"
import { nodeCrc32 } from "./node-crc32.ts"
import { NOTHING_TAKEN, systemCode } from "./system-errors.ts"
import { MOST_WRITE_BYTES } from "./write-sizes.ts"

let buffer: Uint8Array | undefined

/** Copies, waiting for nothing else meanwhile. What goes wrong with the files is in the answer. */
export function copyRanges({ from, to, position, ranges, writeBytes }: CopyJob): CopyAnswer {
  const started = performance.now()
  buffer ??= new Uint8Array(MOST_WRITE_BYTES)
  const block = buffer
  const checksums: number[] = []
  let side: CopyFailure["side"] = "read"
  // The block of the output that is being filled: where it begins, how much it has room for, how much it holds.
  let at = position
  let room = writeBytes - (at % writeBytes)
  let filled = 0
  const flush = (): void => {
    side = "write"
    for (let written = 0; written < filled; ) {
      const taken = writeSync(to, block, written, filled - written, at + written)
      if (taken === 0) throw new Error(NOTHING_TAKEN)
      written += taken
    }
    side = "read"
    at += filled
    room = writeBytes
    filled = 0
  }
  try {
    for (const range of ranges) {
      let crc32 = 0
      for (let got = 0; got < range.length; ) {
        const wanted = Math.min(room - filled, range.length - got)
        const read = readSync(from, block, filled, wanted, range.offset + got)
        if (read === 0) return { short: { range, got } }
        if (range.checksum) crc32 = nodeCrc32(block.subarray(filled, filled + read), crc32)
        got += read
        filled += read
        if (filled === room) flush()
      }
      checksums.push(crc32)
    }
    flush()
    return { checksums, milliseconds: performance.now() - started }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { failed: { side, code: systemCode(error), message } }
  }
}
