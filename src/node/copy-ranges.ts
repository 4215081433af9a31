/** Copies ranges from one file to another by blocking calls, and takes their CRC-32 on the way. */

import { answerOf, readWhole, writeWhole } from "./blocking-files.ts"
import type { CopyAnswer, CopyRangesJob } from "./copy-job.ts"
import { nodeCrc32 } from "./node-crc32.ts"
import { MOST_WRITE_BYTES } from "./write-sizes.ts"

/** One block of the output. What was read into it is still in the processor's cache when it is written. */
let buffer: Uint8Array | undefined

/** Copies, waiting for nothing else meanwhile. What goes wrong with the files is in the answer. */
export function copyRanges({ from, to, position, ranges, writeBytes }: CopyRangesJob): CopyAnswer {
  buffer ??= new Uint8Array(MOST_WRITE_BYTES)
  const block = buffer
  // The block that is being filled: where it begins, how much it has room for, how much it holds.
  let at = position ?? 0
  let room = writeBytes - (at % writeBytes)
  let filled = 0
  const flush = (): void => {
    if (position !== undefined) writeWhole(to, at, block.subarray(0, filled), writeBytes)
    at += filled
    room = writeBytes
    filled = 0
  }
  return answerOf(() => {
    const checksums: number[] = []
    for (const { offset, length, checksum } of ranges) {
      let crc32 = 0
      for (let got = 0; got < length; ) {
        const part = block.subarray(filled, filled + Math.min(room - filled, length - got))
        readWhole(from, offset + got, part)
        if (checksum) crc32 = nodeCrc32(part, crc32)
        got += part.byteLength
        filled += part.byteLength
        if (filled === room) flush()
      }
      checksums.push(crc32)
    }
    if (filled > 0) flush()
    return checksums
  })
}
