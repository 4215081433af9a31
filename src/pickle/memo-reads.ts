/**
 * Which memo entries a pickle ever reads.
 *
 * Picklers store nearly everything that they write and read little of it back. What is stored lives until the pickle
 * ends, and moving it about is most of what the garbage collector does: a machine that knows keeps only what will be
 * read. This pass walks over operands without making them.
 */

import { atOnce, type Steps } from "../bytes/turns.ts"
import { NO_OPCODE, ONE_LINE, OPERAND_SIZES, TWO_LINES } from "./operand-sizes.ts"

/** A pickle that reads more entries than this keeps all: the numbers themselves would take memory. */
const MOST_READS = 1_000_000

/** Opcodes that a step walks over: some 5 ns each. */
const STEP_OPCODES = 65_536

const GET = 0x67
const BINGET = 0x68
const LONG_BINGET = 0x6a
const STOP = 0x2e
const LINE_FEED = 0x0a

/**
 * The numbers of the entries that the pickle at `start` reads, or undefined when it ends early, has an unknown opcode,
 * reads by text (GET) or reads very many: then every entry may be read.
 */
export function findMemoReads(bytes: Uint8Array, start: number): ReadonlySet<number> | undefined {
  return atOnce(findMemoReadsSteps(bytes, start))
}

/** As `findMemoReads`, in steps. */
export function* findMemoReadsSteps(
  bytes: Uint8Array,
  start: number,
): Steps<ReadonlySet<number> | undefined> {
  const reads = new Set<number>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // The longest operand of fixed size, or length of one, has 8 bytes; what is nearer to the end is no whole pickle.
  const end = bytes.byteLength
  for (let at = start, left = STEP_OPCODES; at < end; ) {
    if (--left === 0) {
      left = STEP_OPCODES
      yield
    }
    const opcode = bytes[at] as number
    if (opcode === STOP) return reads
    const size = OPERAND_SIZES[opcode] as number
    at += 1
    if (size === 0) continue
    if (size === NO_OPCODE || opcode === GET || reads.size > MOST_READS) return undefined
    if (size >= ONE_LINE) {
      at = skipLines(bytes, at, size === TWO_LINES ? 2 : 1)
      continue
    }
    if (at + Math.abs(size) > end) return undefined
    if (opcode === BINGET) reads.add(bytes[at] as number)
    else if (opcode === LONG_BINGET) reads.add(view.getUint32(at, true))
    if (size > 0) at += size
    else if (size === -1) at += 1 + (bytes[at] as number)
    else if (size === -4) at += 4 + view.getUint32(at, true)
    else at += 8 + Number(view.getBigUint64(at, true))
  }
  return undefined
}

function skipLines(bytes: Uint8Array, start: number, lines: number): number {
  let at = start
  for (let line = 0; line < lines; line++) {
    const feed = bytes.indexOf(LINE_FEED, at)
    if (feed < 0) return bytes.byteLength
    at = feed + 1
  }
  return at
}
