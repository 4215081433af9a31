/** Picks elements out of a file into another by blocking calls: the window of a block, then tile by tile. */

import { allocate } from "../bytes/allocate.ts"
import type { GatherBlock } from "../plan/gather-blocks.ts"
import { gatherBlockAt } from "../plan/gather-blocks.ts"
import { fixElements, pickElements } from "../transfer/gather-elements.ts"
import { groupLength, groupRuns, packGroup } from "../transfer/gather-runs.ts"
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
    const picking = { window: loaded, itemBytes, shape: block.shape, strides: block.strides, base: 0 }
    const first = firstElement - block.firstElement
    for (let done = 0; done < elementCount; ) {
      const count = Math.min(elementCount - done, PICKED_BYTES / itemBytes)
      const part = picked.subarray(0, count * itemBytes)
      pickElements(picking, first + done, count, part)
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
  const runBytes = block.runElements * itemBytes
  if (window.length < byteLength) window = allocate(byteLength, "a storage")
  for (const group of groupRuns(block, itemBytes)) {
    const [first = 0] = group.offsets
    if (group.offsets.length === 1) {
      readWhole(from, offset + first, window.subarray(group.at, group.at + runBytes))
      continue
    }
    const length = groupLength(group, runBytes)
    if (sieve.length < length) sieve = new Uint8Array(length)
    readWhole(from, offset + first, sieve.subarray(0, length))
    packGroup(group, runBytes, sieve, window)
  }
  return window.subarray(0, byteLength)
}
