/**
 * Reads a pickle opcode by opcode for the machine: makes the operands that the walker finds, and nothing of what opcodes
 * mean. Reading an opcode allocates nothing but the operand itself.
 */

import { ShortTextReader } from "../bytes/byte-cursor.ts"
import { STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import type { AnyFaultRow } from "../errors/all-errors.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { quoteText } from "../text/quote-text.ts"
import { PICKLE_OPCODE, PICKLE_TEXT, PICKLE_TRAILING, PICKLE_TRUNCATED } from "./errors.ts"
import { OpcodeWalker } from "./opcode-walker.ts"
import { OPCODE_BY_BYTE, type OpcodeInfo, type OperandKind } from "./opcodes.ts"
import { decodePythonText, decodeUtf8, textOfUnits } from "./python-text.ts"

/** Longest module or attribute name of a GLOBAL, in bytes. The longest that torch writes has 45. */
export const GLOBAL_NAME_BYTES = 256

/** What an operand becomes. */
export type Operand = number | bigint | string | Uint8Array | undefined

/** A forward-only reader of one pickle within `bytes`. */
export class PickleDecoder {
  /** What to call the pickle in messages. */
  readonly within: string
  /** The opcode read last; undefined before the first, and when what follows could not be read. */
  opcode: OpcodeInfo | undefined
  /** Its operand. For GLOBAL and INST the module, with the attribute in `name`. */
  operand: Operand
  /** The second line of GLOBAL and INST. */
  name = ""

  readonly #walker: OpcodeWalker
  readonly #shortTexts: ShortTextReader
  readonly #limits: Limits
  #frameFault: CheckpointError | undefined

  /** `start` is where the pickle begins in `bytes`. */
  constructor(bytes: Uint8Array, within: string, limits: Limits, start = 0) {
    this.#walker = new OpcodeWalker(bytes, start, false)
    this.#shortTexts = new ShortTextReader(bytes)
    this.#limits = limits
    this.within = within
  }

  /** Byte offset of the opcode read last. */
  get at(): number {
    return this.#walker.at
  }

  /** Byte offset of the next opcode. */
  get position(): number {
    return this.#walker.position
  }

  /**
   * Reads the next opcode and its operand into `opcode`, `operand`, `name` and `at`.
   *
   * @throws `pickle-truncated`, `pickle-opcode` for a byte that is no opcode, `pickle-text` for text that is not UTF-8 and
   *   for names that are not printable ASCII, `limit-exceeded` (`maxIntegerBytes`).
   */
  next(): OpcodeInfo {
    const { frameEnd } = this.#walker
    this.opcode = undefined
    if (!this.#walker.next()) throw this.#stopped()
    const opcode = OPCODE_BY_BYTE[this.#walker.code] as OpcodeInfo
    this.operand = opcode.operand === "none" ? undefined : this.#readOperand(opcode.operand)
    if (this.at < frameEnd) this.#lookAtFrame(opcode, frameEnd)
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
    const { position, frameEnd } = this.#walker
    if (frameEnd <= position) return
    const problem = `a frame goes on for ${frameEnd - position} bytes after the end of the pickle`
    throw new CheckpointError(PICKLE_TRAILING, { within: this.within, at: position, problem })
  }

  /** An error of this pickle at the opcode read last. */
  fault(row: AnyFaultRow, problem: string): CheckpointError {
    return new CheckpointError(row, { within: this.within, at: this.at, problem })
  }

  #readOperand(kind: OperandKind): Operand {
    const { bytes, view, start, end } = this.#walker
    switch (kind) {
      case "none":
        return undefined
      case "uint8":
      case "uint16":
      case "uint32":
        return this.#walker.number
      case "int32":
        return this.#walker.number | 0
      case "uint64":
        return this.#frameLength()
      case "float64-big-endian":
        return view.getFloat64(start, false)
      case "uint8-length-integer":
      case "int32-length-integer":
        return this.#integer(bytes.subarray(start, end))
      case "uint8-length-string":
      case "int32-length-string":
        return this.#string(start, end)
      case "uint8-length-text":
      case "uint32-length-text":
      case "uint64-length-text":
        return this.#text(start, end)
      case "uint8-length-bytes":
      case "uint32-length-bytes":
      case "uint64-length-bytes":
        return bytes.subarray(start, end)
      case "line":
        return textOfUnits(bytes, start, end)
      case "two-names": {
        const module = this.#name(start, end)
        this.name = this.#name(this.#walker.nameStart, this.#walker.nameEnd)
        return module
      }
    }
  }

  #lookAtFrame({ name }: OpcodeInfo, frameEnd: number): void {
    if (name === "FRAME") this.#frameFault ??= this.fault(PICKLE_OPCODE, "a frame begins within a frame")
    else if (this.position > frameEnd) {
      this.#frameFault ??= this.fault(PICKLE_TRUNCATED, "a frame ends within an opcode")
    }
  }

  /** It must lie within the pickle. */
  #frameLength(): number {
    const { bytes, view, start, position } = this.#walker
    const length = view.getBigUint64(start, true)
    if (length > bytes.length - position) throw this.#ends(length, position)
    return Number(length)
  }

  #text(start: number, end: number): string {
    const short = this.#shortTexts.read(start, end - start)
    if (short !== undefined) return short
    const text = decodePythonText(this.#walker.bytes.subarray(start, end))
    if (text !== undefined) return text
    throw this.fault(PICKLE_TEXT, `a text of ${end - start} bytes is not UTF-8`)
  }

  /** A `str` of Python 2, which holds any bytes: text where they are UTF-8, as torch.load takes them, else the bytes. */
  #string(start: number, end: number): string | Uint8Array {
    const short = this.#shortTexts.read(start, end - start)
    if (short !== undefined) return short
    const bytes = this.#walker.bytes.subarray(start, end)
    return decodeUtf8(bytes) ?? bytes
  }

  /** Two's complement, least significant byte first, as a number where it is exact and as a bigint elsewhere. */
  #integer(bytes: Uint8Array): number | bigint {
    const { length } = bytes
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

  /** A module or attribute: printable ASCII only, nothing trimmed, nothing normalised. */
  #name(start: number, end: number): string {
    const { bytes } = this.#walker
    const cut = Math.min(end, start + GLOBAL_NAME_BYTES)
    for (let at = start; at < cut; at++) {
      const byte = bytes[at] as number
      if (byte >= 0x20 && byte <= 0x7e) continue
      const shown = quoteText(textOfUnits(bytes, start, at))
      const odd = `0x${byte.toString(16).padStart(2, "0")}`
      throw this.fault(PICKLE_TEXT, `a name that begins with ${shown} goes on with the byte ${odd}`)
    }
    const name = textOfUnits(bytes, start, cut)
    if (end === cut) return name
    throw this.fault(PICKLE_TEXT, `a name is longer than ${GLOBAL_NAME_BYTES} bytes: ${quoteText(name)}`)
  }

  /** Why the walker came to no further opcode. */
  #stopped(): CheckpointError {
    const { bytes, view, at, start, end, wanted, stopped } = this.#walker
    // Of two lines the first may be there, and no name.
    if (wanted === "line" && end >= start) this.#name(start, end)
    if (wanted === "line") return this.fault(PICKLE_TRUNCATED, "the pickle ends within a line")
    if (wanted < 0) return this.fault(PICKLE_TRUNCATED, `a length of ${wanted} is negative`)
    if (stopped === "cut-off") {
      // The longest lengths are no numbers for certain.
      const isLong = start === at + 9
      return this.#ends(isLong ? view.getBigUint64(at + 1, true) : wanted, start)
    }
    const byte = (bytes[at] as number).toString(16).padStart(2, "0")
    return this.fault(PICKLE_OPCODE, `byte 0x${byte} is no pickle opcode`)
  }

  #ends(wanted: number | bigint, start: number): CheckpointError {
    const left = this.#walker.bytes.length - start
    return this.fault(PICKLE_TRUNCATED, `${wanted} bytes wanted, ${left} left in the pickle`)
  }
}

/**
 * Finds where a pickle ends without interpreting it, in steps: layouts that string pickles together need to know.
 *
 * @returns the offset after the STOP of the pickle that begins at `start`, or undefined when `bytes` end before it does.
 *
 * @throws what the decoder throws for a pickle that is broken before its end, and `limit-exceeded` for `maxOpcodes`.
 */
export function* findPickleEndSteps(
  bytes: Uint8Array,
  start: number,
  within: string,
  limits: Limits,
): Steps<number | undefined> {
  const decoder = new PickleDecoder(bytes, within, limits, start)
  let paused = start
  try {
    for (let opcodes = 1; ; opcodes++) {
      if (decoder.next().name === "STOP") return decoder.position
      if (opcodes >= limits.maxOpcodes) requireWithin(limits, "maxOpcodes", opcodes + 1, within)
      if (opcodes % STEP_ITEMS !== 0 && decoder.position - paused < STEP_BYTES) continue
      paused = decoder.position
      yield
    }
  } catch (error) {
    if (isCheckpointError(error) && error.code === "pickle-truncated") return undefined
    throw error
  }
}
