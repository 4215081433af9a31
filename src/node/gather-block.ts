/** Picks elements out of a file into another by blocking calls: the window of a block, then tile by tile. */

import { allocate } from "../bytes/allocate.ts"
import { type GatherBlock, gatherBlockAt } from "../strided/blocks.ts"
import { fixElements } from "../strided/convert.ts"
import { pickElements } from "../strided/pick.ts"
import { runReads } from "../strided/runs.ts"
import { answerOf, readWhole, writeWhole } from "./blocking-files.ts"
import type { CopyAnswer, GatherJob } from "./copy-job.ts"
import { nodeCrc32 } from "./node-crc32.ts"

/** Picked before it is written: enough rows of a wide matrix to use up each cache line that they are picked from. */
const PICKED_BYTES = 1024 * 1024

/** Grow to the largest that was needed, and are kept for the next job. */
let window: Uint8Array<ArrayBuffer> = new Uint8Array(0)
let sieve: Uint8Array<ArrayBuffer> = new Uint8Array(0)
let picked: Uint8Array<ArrayBuffer> | undefined

/** Gathers, waiting for nothing else meanwhile. What goes wrong with the files is in the answer. */
export function gatherBlock(job: GatherJob): CopyAnswer {
  const { to, position, view, fixes, firstElement, elementCount, writeBytes } = job
  const { itemBytes } = view
  return answerOf(() => {
    const block = gatherBlockAt(view, firstElement, job.windowBytes)
    const loaded = loadWindow(job, block)
    const isWhole = block.runElements * itemBytes === job.length
    const crc32 = job.checksum && isWhole ? nodeCrc32(loaded, 0) : undefined
    picked ??= new Uint8Array(PICKED_BYTES)
    const picking = { window: loaded, itemBytes, shape: block.shape, strides: block.strides }
    const first = firstElement - block.firstElement
    for (let done = 0; done < elementCount; ) {
      const count = Math.min(elementCount - done, PICKED_BYTES / itemBytes)
      const part = picked.subarray(0, count * itemBytes)
      pickElements(picking, first + done, part)
      fixElements(part, fixes)
      writeWhole(to, position + done * itemBytes, part, writeBytes)
      done += count
    }
    return [crc32]
  })
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
