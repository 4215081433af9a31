/**
 * A pickle assembler: opcodes by CPython's names, operands as plain values.
 *
 *     assemble(["PROTO", 2], "EMPTY_LIST", "MARK", ["BININT1", 7], "APPENDS", "STOP")
 *
 * The names and operand kinds come from CPython's own table (cpython-opcodes.json), not from the code under test, and
 * nothing is checked: broken pickles are what it is for. Bytes in between stand as `hex("ff")`.
 */

import cpython from "./cpython-opcodes.json"

type OperandValue = number | bigint | string | Uint8Array

/** An opcode without operand, one with operands, or raw bytes. */
export type Part = string | readonly [opcode: string, ...operands: OperandValue[]] | Uint8Array

const BY_NAME: ReadonlyMap<string, { code: number; arg: string | null }> = new Map(
  cpython.map(({ code, name, arg }) => [name, { code, arg }]),
)

/** The bytes of the opcodes, one after the other. */
export function assemble(...parts: readonly Part[]): Uint8Array {
  return join(parts.map(encodePart))
}

/** `PROTO 2`, the parts, `STOP`. */
export function pickle2(...parts: readonly Part[]): Uint8Array {
  return assemble(["PROTO", 2], ...parts, "STOP")
}

/** `PROTO 5`, the parts, `STOP`. */
export function pickle5(...parts: readonly Part[]): Uint8Array {
  return assemble(["PROTO", 5], ...parts, "STOP")
}

/** One part `count` times, as raw bytes: cheap for millions. */
export function repeat(count: number, ...parts: readonly Part[]): Uint8Array {
  const unit = assemble(...parts)
  const bytes = new Uint8Array(unit.length * count)
  for (let i = 0; i < count; i++) bytes.set(unit, i * unit.length)
  return bytes
}

/** Bytes written as hexadecimal digits; blanks are ignored. */
export function hex(digits: string): Uint8Array {
  const pairs = digits.replaceAll(/\s/g, "").match(/../g) ?? []
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
}

/** Bytes from characters up to U+00FF. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** The least significant `length` bytes of `value`, the least significant first. */
export function littleEndian(value: number | bigint, length: number): Uint8Array {
  const bits = BigInt.asUintN(length * 8, BigInt(value))
  return Uint8Array.from({ length }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn))
}

export function join(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function encodePart(part: Part): Uint8Array {
  if (part instanceof Uint8Array) return part
  const [name, ...operands] = typeof part === "string" ? [part] : part
  const opcode = BY_NAME.get(name)
  if (opcode === undefined) throw new Error(`no opcode ${name}`)
  const first = Uint8Array.of(opcode.code)
  if (opcode.arg === null) return first
  return join([first, encodeOperand(opcode.arg, operands)])
}

function encodeOperand(kind: string, operands: readonly OperandValue[]): Uint8Array {
  const [value = 0, second = ""] = operands
  const number = typeof value === "number" || typeof value === "bigint" ? value : 0
  switch (kind) {
    case "uint1":
      return littleEndian(number, 1)
    case "uint2":
      return littleEndian(number, 2)
    case "uint4":
    case "int4":
      return littleEndian(number, 4)
    case "uint8":
      return littleEndian(number, 8)
    case "float8": {
      const bytes = new Uint8Array(8)
      new DataView(bytes.buffer).setFloat64(0, Number(number), false)
      return bytes
    }
    case "long1":
    case "string1":
    case "bytes1":
    case "unicodestring1":
      return counted(1, value)
    case "long4":
    case "string4":
    case "bytes4":
    case "unicodestring4":
      return counted(4, value)
    case "bytes8":
    case "bytearray8":
    case "unicodestring8":
      return counted(8, value)
    case "stringnl_noescape_pair":
      return latin1(`${value}\n${second}\n`)
    default:
      return latin1(`${value}\n`)
  }
}

/** A length, then text in UTF-8, bytes as they are, or an integer in as many bytes as it needs. */
function counted(lengthBytes: number, value: OperandValue): Uint8Array {
  const content =
    value instanceof Uint8Array
      ? value
      : typeof value === "string"
        ? new TextEncoder().encode(value)
        : littleEndian(value, integerBytes(BigInt(value)))
  return join([littleEndian(content.length, lengthBytes), content])
}

function integerBytes(value: bigint): number {
  let length = 0
  while (BigInt.asIntN(length * 8, value) !== value) length++
  return length
}
