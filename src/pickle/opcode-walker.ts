/**
 * Walks over a pickle opcode by opcode and makes nothing of what stands there: where an opcode and its operand are is
 * all it tells. The machine's decoder, the pass over the memo and listings all walk with it. It takes what either of
 * CPython's unpicklers goes on behind, so it ends where both have ended.
 *
 * Picklers end a frame where an opcode ends. CPython's unpicklers read a frame in one piece from the file: the one in
 * Python (`pickle.py`, `_Unframer`) refuses one that ends within an operand, takes one that is longer than the file, and
 * leaves the file behind the frame, wherever its STOP was. The one in C refuses a frame that is longer than the file,
 * and forgets what is left of a frame when an operand is longer than that: it goes on with other bytes than stand there
 * (`_pickle.c`, `_Unpickler_ReadImpl`, `_Unpickler_Readline`), but not where the file lets it look ahead, nor in memory.
 */

import { NO_OPCODE, ONE_LINE, OPERAND_SIZES, TWO_LINES } from "./opcodes.ts"

const LINE_FEED = 0x0a
const FRAME = 0x95

/** BINSTRING and LONG4: their lengths are signed, and CPython refuses those below zero. */
const SIGNED = [0x54, 0x8b]

/** Why there is no further opcode: the bytes end, or no unpickler knows what stands there. */
export type WalkEnd = "cut-off" | "no-opcode"

export class OpcodeWalker {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Where the opcode stands that was read last, and its byte. */
  at: number
  code = 0
  /** The operand, without its length and without the line feed; of two lines, the first. */
  start = 0
  end = 0
  /** The second line. */
  nameStart = 0
  nameEnd = 0
  /** Where the next opcode stands. */
  position: number
  /** Where the frame ends that was begun last outside of another; -1 without one. */
  frameEnd = -1
  /** Whether the opcode reaches over the end of a frame: what an unpickler reads from here on depends on which it is. */
  crossesFrame = false
  /** Why `next` was false. */
  stopped: WalkEnd = "cut-off"
  /** Bytes from `start` on that were wanted then; below zero for a length that is. */
  wanted: number | "line" = 0
  readonly #length: number // a typed array's own length costs more than the read it guards
  /** Whether the bytes are all there are; otherwise they end where more may follow. */
  readonly #isWhole: boolean

  constructor(bytes: Uint8Array, start: number, isWhole: boolean) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#length = bytes.byteLength
    this.#isWhole = isWhole
    this.at = start
    this.position = start
  }

  /** Steps over the next opcode and its operand. False when there is none: `at` then says where. */
  next(): boolean {
    const at = this.position
    this.at = at
    if (at >= this.#length) return this.#stop(at, 1)
    const code = this.bytes[at] as number
    const size = OPERAND_SIZES[code] as number
    this.code = code
    let start = at + 1
    let length = size
    if (size < 0) {
      start -= size
      if (start > this.#length) return this.#stop(at + 1, -size)
      length = size === -1 ? (this.bytes[at + 1] as number) : this.#lengthAt(at + 1, size)
      if (length < 0) return this.#stop(start, length, "no-opcode")
    } else if (size >= ONE_LINE) return this.#lines(size)
    const end = start + length
    if (end > this.#length) return this.#stop(start, length)
    this.start = start
    this.end = end
    this.position = end
    if (code === FRAME) this.#beginFrame()
    else if (at < this.frameEnd && end > this.frameEnd) this.crossesFrame = true
    return true
  }

  #beginFrame(): void {
    if (this.at < this.frameEnd && this.position > this.frameEnd) this.crossesFrame = true
    const end = this.position + Number(this.view.getBigUint64(this.start, true))
    if (this.position >= this.frameEnd) this.frameEnd = end
    // The one in C then reads the inner frame from behind the outer one.
    else if (end > this.frameEnd) this.crossesFrame = true
  }

  #lengthAt(at: number, size: number): number {
    if (size === -8) return Number(this.view.getBigUint64(at, true))
    return SIGNED.includes(this.code) ? this.view.getInt32(at, true) : this.view.getUint32(at, true)
  }

  /** An operand of one, two or four bytes as a number, without its sign. */
  get number(): number {
    const size = this.end - this.start
    if (size === 1) return this.bytes[this.start] as number
    return size === 2 ? this.view.getUint16(this.start, true) : this.view.getUint32(this.start, true)
  }

  #lines(size: number): boolean {
    const start = this.at + 1
    if (size === NO_OPCODE) return this.#stop(start, 0, "no-opcode")
    const areTwo = size === TWO_LINES
    const first = this.bytes.indexOf(LINE_FEED, start)
    const second = first < 0 || !areTwo ? first : this.bytes.indexOf(LINE_FEED, first + 1)
    this.end = first
    if (second < 0 && !(areTwo && this.#isWhole)) return this.#stop(start, "line")
    // At the end of a file pickle.py takes for a line what is left, and cuts off its last byte, which is no line feed.
    const cut = Math.max(start, this.#length - 1)
    if (first < 0) this.end = cut
    this.nameStart = first < 0 ? cut : first + 1
    this.nameEnd = second < 0 ? Math.max(this.nameStart, cut) : second
    this.position = second < 0 ? this.#length : second + 1
    this.start = start
    if (this.at < this.frameEnd && this.position > this.frameEnd) this.crossesFrame = true
    return true
  }

  #stop(start: number, wanted: number | "line", why: WalkEnd = "cut-off"): false {
    this.start = start
    this.wanted = wanted
    this.stopped = why
    return false
  }
}
