/** What passes between a copy pool and its threads, and how it is carried out: by blocking calls, here and now. */

import { readSync, writeSync } from "node:fs"
import * as zlib from "node:zlib"
import { type Crc32, crc32 as portableCrc32 } from "../bytes/crc32.ts"
import { allocate } from "../bytes/failures.ts"
import { type GatherBlock, gatherBlockAt, runReads } from "../strided/blocks.ts"
import { type ElementTransform, pickElements, transformElements } from "../strided/elements.ts"
import type { StridedView } from "../strided/view.ts"
import type { CopyRange } from "../transfer/transfer-plan.ts"
import { NOTHING_TAKEN, systemCode } from "./system-errors.ts"

/** `from` and `to` are file descriptors. */
interface Job {
  readonly from: number
  readonly to: number
  /** Where in the output the first byte goes. */
  readonly position: number
  /** Written at once. */
  readonly writeBytes: number
}

/** Ranges to copy one behind the other. */
interface CopyRangesJob extends Omit<Job, "position"> {
  readonly kind: "ranges"
  /** Undefined when they are read for their checksums alone. */
  readonly position: number | undefined
  readonly ranges: readonly CopyRange[]
}

/** Elements to pick out of one block of a view, as a `GatherRequest` says. The one checksum is that of the extent. */
interface GatherJob extends Job {
  readonly kind: "gather"
  /** The extent that the view looks at, in the file. */
  readonly offset: number
  readonly length: number
  readonly view: StridedView
  readonly transform: ElementTransform | undefined
  readonly firstElement: number
  readonly elementCount: number
  readonly windowBytes: number
  readonly checksum: boolean
}

export type CopyJob = CopyRangesJob | GatherJob

/** The CRC-32 of each range, 0 where it was not wanted, and how long it took; or why it failed. */
export type CopyAnswer =
  | { readonly checksums: readonly (number | undefined)[]; readonly milliseconds: number }
  | CopyFailure

export type CopyFailure =
  /** The input ends within a range: it has become shorter. */
  | { readonly short: { readonly offset: number; readonly length: number; readonly got: number } }
  | { readonly failed: SystemFailure }

/** A system error, in a form that passes between threads. */
export interface SystemFailure {
  /** Which of the two files it was about. */
  readonly side: "read" | "write"
  readonly code: string | undefined
  readonly message: string
}

/** The most that is written at once. What is written less at a time divides it: see file-copier.ts. */
export const MOST_WRITE_BYTES: number = 128 * 1024

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

/** Ends a job: says what is answered. */
class JobFailed extends Error {
  readonly answer: CopyFailure

  constructor(answer: CopyFailure) {
    super("a copy failed")
    this.answer = answer
  }
}

/** The checksums that `work` gives and the time that it takes, or why it failed. */
function answerOf(work: () => readonly (number | undefined)[]): CopyAnswer {
  const started = performance.now()
  try {
    return { checksums: work(), milliseconds: performance.now() - started }
  } catch (error) {
    // What the files are not to blame for is a lack of memory for what is read.
    return error instanceof JobFailed ? error.answer : { failed: failureOf("read", error) }
  }
}

/** Fills `target` with the bytes of the file from `offset`. */
function readWhole(from: number, offset: number, target: Uint8Array): void {
  const { byteLength } = target
  for (let got = 0; got < byteLength; ) {
    const read = attempt("read", () => readSync(from, target, got, byteLength - got, offset + got))
    if (read === 0) throw new JobFailed({ short: { offset, length: byteLength, got } })
    got += read
  }
}

/** Writes all of `bytes` at `position`, at most `writeBytes` at once, and no write across a multiple of that. */
function writeWhole(to: number, position: number, bytes: Uint8Array, writeBytes: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const at = position + done
    const length = Math.min(writeBytes - (at % writeBytes), bytes.byteLength - done)
    const taken = attempt("write", () => writeSync(to, bytes, done, length, at))
    if (taken === 0) throw new JobFailed({ failed: failureOf("write", new Error(NOTHING_TAKEN)) })
    done += taken
  }
}

function attempt(side: SystemFailure["side"], call: () => number): number {
  try {
    return call()
  } catch (error) {
    throw new JobFailed({ failed: failureOf(side, error) })
  }
}

function failureOf(side: SystemFailure["side"], error: unknown): SystemFailure {
  const message = error instanceof Error ? error.message : String(error)
  return { side, code: systemCode(error), message }
}

/** zlib's is five times as fast as the portable one; it answers 0 for no bytes, whatever came before. */
export const nodeCrc32: Crc32 =
  typeof zlib.crc32 === "function"
    ? (bytes, previous) => (bytes.byteLength === 0 ? previous : zlib.crc32(bytes, previous))
    : portableCrc32
