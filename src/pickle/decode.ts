/**
 * Reads a pickle opcode by opcode for the machine. It knows how operands are laid out and nothing of what opcodes mean.
 * Those who only look walk over the operands (opcode-walker.ts), by the same table.
 *
 * Follows CPython's `pickletools.py`. The decoder works on the buffer in place and reuses its own fields: reading an
 * opcode allocates nothing but the operand itself.
 */

import { ShortTextReader } from "../bytes/short-text.ts"
import type { FaultCode } from "../errors.ts"
import { CheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { quoteText } from "../quote-text.ts"
import type { OpcodeInfo, OperandKind } from "./opcodes.ts"
import { OPCODE_BY_BYTE } from "./opcodes.ts"
import { decodePythonText, decodeUtf8 } from "./python-text.ts"

const LINE_FEED = 0x0a

/** Longest module or attribute name of a GLOBAL, in bytes. The longest that torch writes has 45. */
export const GLOBAL_NAME_BYTES = 256

/** Arguments that one call of `String.fromCharCode` is given; engines overflow somewhat above 100,000. */
const CODES_A_CALL = 8192

/** Where to begin. */
export interface DecoderOptions {
  /** Byte offset of the pickle in `bytes`. Default 0. */
  readonly start?: number
}

/** What an operand becomes. */
export type Operand = number | bigint | string | Uint8Array | undefined

/** A forward-only reader of one pickle within `bytes`. */
export class PickleDecoder {
  /** What to call the pickle in messages. */
  readonly within: string
  /** The opcode read last; undefined before the first, and when what follows could not be read. */
  opcode: OpcodeInfo | undefined
  /** Byte offset of that opcode in `bytes`. */
  at = 0
  /** Its operand. For GLOBAL and INST the module, with the attribute in `name`. */
  operand: Operand
  /** The second line of GLOBAL and INST. */
  name = ""

  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #shortTexts: ShortTextReader
  readonly #end: number // a typed array's own length costs more than the read it guards
  readonly #limits: Limits
  #position: number
  /** Where the frame ends that was begun last; Infinity when none is open. */
  #frameEnd = Number.POSITIVE_INFINITY
  #frameFault: CheckpointError | undefined

  constructor(bytes: Uint8Array, within: string, limits: Limits, { start = 0 }: DecoderOptions = {}) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#shortTexts = new ShortTextReader(bytes)
    this.#end = bytes.byteLength
    this.#limits = limits
    this.#position = start
    this.within = within
  }

  /** Byte offset of the next opcode. */
  get position(): number {
    return this.#position
  }

  /** Bytes that follow the opcode read last and its operand. */
  get remaining(): number {
    return this.#end - this.#position
  }

  /**
   * Reads the next opcode and its operand into `opcode`, `operand`, `name` and `at`.
   *
   * @throws `pickle-truncated`, `pickle-opcode` for a byte that is no opcode, `pickle-text` for text that is not UTF-8 and
   *   for names that are not printable ASCII, `limit-exceeded` (`maxIntegerBytes`).
   */
  next(): OpcodeInfo {
    this.at = this.#position
    this.opcode = undefined
    const byte = this.#bytes[this.#take(1)] as number
    const opcode = OPCODE_BY_BYTE[byte]
    if (opcode === undefined) {
      throw this.fault("pickle-opcode", `byte 0x${byte.toString(16).padStart(2, "0")} is no pickle opcode`)
    }
    this.operand = opcode.operand === "none" ? undefined : this.#readOperand(opcode.operand)
    if (this.#position > this.#frameEnd) this.#leaveFrame()
    this.opcode = opcode
    return opcode
  }

  /**
   * To be asked after STOP. Every pickler ends its frames where an opcode ends, but readers differ in whether they look:
   * CPython's in Python refuses what its own in C reads. That does not change what the opcodes say, so reading goes on.
   *
   * @throws the first fault of a frame.
   */
  requireFrames(): void {
    if (this.#frameFault !== undefined) throw this.#frameFault
    if (this.#frameEnd === Number.POSITIVE_INFINITY || this.#frameEnd === this.#position) return
    const problem = `a frame goes on for ${this.#frameEnd - this.#position} bytes after the end of the pickle`
    throw new CheckpointError("pickle-trailing", { within: this.within, at: this.#position, problem })
  }

  /** An error of this pickle at the opcode read last. */
  fault(code: FaultCode, problem: string): CheckpointError {
    return new CheckpointError(code, { within: this.within, at: this.at, problem })
  }

  #readOperand(kind: OperandKind): Operand {
    switch (kind) {
      case "none":
        return undefined
      case "uint8":
        return this.#uint8()
      case "uint16":
        return this.#view.getUint16(this.#take(2), true)
      case "uint32":
        return this.#view.getUint32(this.#take(4), true)
      case "int32":
        return this.#view.getInt32(this.#take(4), true)
      case "uint64":
        return this.#frame()
      case "float64-big-endian":
        return this.#view.getFloat64(this.#take(8), false)
      case "uint8-length-integer":
        return this.#integer(this.#uint8())
      case "int32-length-integer":
        return this.#integer(this.#signedLength())
      case "uint8-length-string":
        return this.#string(this.#uint8())
      case "uint8-length-text":
        return this.#text(this.#uint8())
      case "int32-length-string":
        return this.#string(this.#signedLength())
      case "uint32-length-text":
        return this.#text(this.#view.getUint32(this.#take(4), true))
      case "uint64-length-text":
        return this.#text(this.#length64())
      case "uint8-length-bytes":
        return this.#slice(this.#uint8())
      case "uint32-length-bytes":
        return this.#slice(this.#view.getUint32(this.#take(4), true))
      case "uint64-length-bytes":
        return this.#slice(this.#length64())
      case "line":
        return this.#line()
      case "two-names": {
        const module = this.#name()
        this.name = this.#name()
        return module
      }
    }
  }

  #uint8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  #signedLength(): number {
    const length = this.#view.getInt32(this.#take(4), true)
    if (length < 0) throw this.fault("pickle-truncated", `a length of ${length} is negative`)
    return length
  }

  #frame(): number {
    const length = this.#length64()
    if (this.#frameEnd !== Number.POSITIVE_INFINITY && this.at < this.#frameEnd) {
      this.#frameFault ??= this.fault("pickle-opcode", "a frame begins within a frame")
    }
    this.#frameEnd = this.#position + length
    return length
  }

  #leaveFrame(): void {
    if (this.at < this.#frameEnd) {
      this.#frameFault ??= this.fault("pickle-truncated", "a frame ends within an opcode")
    }
    this.#frameEnd = Number.POSITIVE_INFINITY
  }

  /** A length that must lie within the pickle: of a text, of bytes, or of the frame that begins here. */
  #length64(): number {
    const length = this.#view.getBigUint64(this.#take(8), true)
    if (length > BigInt(this.remaining)) throw this.#ends(length)
    return Number(length)
  }

  #slice(length: number): Uint8Array {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  #text(length: number): string {
    const start = this.#take(length)
    const short = this.#shortTexts.read(start, length)
    if (short !== undefined) return short
    const text = decodePythonText(this.#bytes.subarray(start, start + length))
    if (text !== undefined) return text
    throw this.fault("pickle-text", `a text of ${length} bytes is not UTF-8`)
  }

  /** A `str` of Python 2, which holds any bytes: text where they are UTF-8, as torch.load takes them, else the bytes. */
  #string(length: number): string | Uint8Array {
    const start = this.#take(length)
    const short = this.#shortTexts.read(start, length)
    if (short !== undefined) return short
    const bytes = this.#bytes.subarray(start, start + length)
    return decodeUtf8(bytes) ?? bytes
  }

  /** Two's complement, least significant byte first, as a number where it is exact and as a bigint elsewhere. */
  #integer(length: number): number | bigint {
    const bytes = this.#slice(length)
    requireWithin(this.#limits, "maxIntegerBytes", length, this.within)
    if (length === 0) return 0
    if (length <= 6) {
      let value = 0
      for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[i] as number)
      return (bytes[length - 1] as number) > 127 ? value - 256 ** length : value
    }
    let digits = ""
    for (let i = length - 1; i >= 0; i--) digits += (bytes[i] as number).toString(16).padStart(2, "0")
    const value = BigInt.asIntN(length * 8, BigInt(`0x${digits}`))
    const narrow = Number(value)
    return Number.isSafeInteger(narrow) ? narrow : value
  }

  /** The bytes up to a line feed, which is read too, one character each. */
  #line(): string {
    return this.#characters(this.#lineLength())
  }

  /** A module or attribute: printable ASCII only, nothing trimmed, nothing normalised. */
  #name(): string {
    const length = this.#lineLength()
    const cut = Math.min(length, GLOBAL_NAME_BYTES)
    for (let i = 0; i < cut; i++) {
      const byte = this.#bytes[this.#position + i] as number
      if (byte >= 0x20 && byte <= 0x7e) continue
      const shown = quoteText(this.#characters(i))
      const odd = `0x${byte.toString(16).padStart(2, "0")}`
      throw this.fault("pickle-text", `a name that begins with ${shown} goes on with the byte ${odd}`)
    }
    if (length <= GLOBAL_NAME_BYTES) return this.#characters(length)
    const shown = quoteText(this.#characters(cut))
    throw this.fault("pickle-text", `a name is longer than ${GLOBAL_NAME_BYTES} bytes: ${shown}`)
  }

  #lineLength(): number {
    const feed = this.#bytes.indexOf(LINE_FEED, this.#position)
    if (feed < 0) throw this.fault("pickle-truncated", "the pickle ends within a line")
    return feed - this.#position
  }

  /** The next `length` bytes as characters; moves behind the line feed that follows. */
  #characters(length: number): string {
    const end = this.#position + length
    let text = ""
    for (let at = this.#position; at < end; at += CODES_A_CALL) {
      const codes = this.#bytes.subarray(at, Math.min(at + CODES_A_CALL, end))
      text += String.fromCharCode.apply(null, codes as unknown as number[])
    }
    this.#position = end + 1
    return text
  }

  /** Moves on by `length` and returns where it stood; the one place that compares a length with what is there. */
  #take(length: number): number {
    const start = this.#position
    if (length > this.#end - start) throw this.#ends(length)
    this.#position = start + length
    return start
  }

  #ends(wanted: number | bigint): CheckpointError {
    return this.fault("pickle-truncated", `${wanted} bytes wanted, ${this.remaining} left in the pickle`)
  }
}
