/** Carries out copy jobs by blocking calls, here and now: ranges as they are, or elements out of a window. */

import { allocate } from "../bytes/allocate.ts"
import { type GatherBlock, gatherBlockAt } from "../strided/blocks.ts"
import { pickElements } from "../strided/pick.ts"
import { runReads } from "../strided/runs.ts"
import { transformElements } from "../strided/transform.ts"
import { answerOf, readWhole, writeWhole } from "./blocking-files.ts"
import type { CopyAnswer, CopyJob, CopyRangesJob, GatherJob } from "./copy-job.ts"
import { nodeCrc32 } from "./node-crc32.ts"
import { MOST_WRITE_BYTES } from "./write-sizes.ts"

/** Waits for nothing else meanwhile. What goes wrong with the files is in the answer. */
export function runCopyJob(job: CopyJob): CopyAnswer {
  return answerOf(() => (job.kind === "gather" ? gatherBlock(job) : copyRanges(job)))
}

/** One block of the output. What was read into it is still in the processor's cache when it is written. */
let buffer: Uint8Array | undefined

/** Copies, and takes CRC-32s on the way. */
function copyRanges({ from, to, position, ranges, writeBytes }: CopyRangesJob): readonly number[] {
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
}

/** Picked before it is written: enough rows of a wide matrix to use up each cache line that they are picked from. */
const PICKED_BYTES = 1024 * 1024

/** Grow to the largest that was needed, and are kept for the next job. */
let window: Uint8Array<ArrayBuffer> = new Uint8Array(0)
let sieve: Uint8Array<ArrayBuffer> = new Uint8Array(0)
let picked: Uint8Array<ArrayBuffer> | undefined

/** Picks elements out of the window of a block, and takes the CRC-32 of an extent that is all in it. */
function gatherBlock(job: GatherJob): readonly (number | undefined)[] {
  const { to, position, view, transform, firstElement, elementCount, writeBytes } = job
  const { itemBytes } = view
  const block = gatherBlockAt(view, firstElement, job.windowBytes)
  const loaded = loadWindow(job, block)
  const isWhole = block.runElements * itemBytes === job.length
  const crc32 = job.checksum && isWhole ? nodeCrc32(loaded, 0) : undefined
  picked ??= new Uint8Array(PICKED_BYTES)
  const picking = { ...block, window: loaded, itemBytes }
  const first = firstElement - block.firstElement
  for (let done = 0; done < elementCount; ) {
    const count = Math.min(elementCount - done, PICKED_BYTES / itemBytes)
    const part = picked.subarray(0, count * itemBytes)
    pickElements(picking, first + done, part)
    transformElements(part, transform)
    writeWhole(to, position + done * itemBytes, part, writeBytes)
    done += count
  }
  return [crc32]
}

function loadWindow({ from, offset, view }: GatherJob, block: GatherBlock): Uint8Array<ArrayBuffer> {
  const { itemBytes } = view
  const byteLength = block.windowElements * itemBytes
  if (window.length < byteLength) window = allocate(byteLength, "a storage")
  for (const { offset: start, length, at, pack } of runReads(block, itemBytes)) {
    if (pack === undefined) {
      readWhole(from, offset + start, window.subarray(at, at + length))
      continue
    }
    if (sieve.length < length) sieve = new Uint8Array(length)
    readWhole(from, offset + start, sieve.subarray(0, length))
    pack(sieve, window)
  }
  return window.subarray(0, byteLength)
}
