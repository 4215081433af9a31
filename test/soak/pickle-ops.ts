/** A pickle taken apart into opcodes by CPython's own table, and put together again. Knows nothing of their meaning. */

import cpython from "../pickle/cpython-opcodes.json"

/** An opcode with its operand, as it stands in a pickle. */
export interface Op {
  readonly name: string
  readonly code: number
  /** pickletools' name of the operand's kind; null for none. */
  readonly arg: string | null
  /** The opcode and its operand. */
  readonly bytes: Uint8Array
}

export interface OpcodeRow {
  readonly code: number
  readonly name: string
  readonly arg: string | null
}

export const OPCODE_ROWS: readonly OpcodeRow[] = cpython.map(({ code, name, arg }) => ({ code, name, arg }))

const BY_CODE: ReadonlyMap<number, OpcodeRow> = new Map(OPCODE_ROWS.map((row) => [row.code, row]))
const BY_NAME: ReadonlyMap<string, OpcodeRow> = new Map(OPCODE_ROWS.map((row) => [row.name, row]))

export function opcodeNamed(name: string): OpcodeRow {
  const row = BY_NAME.get(name)
  if (row === undefined) throw new Error(`no opcode ${name}`)
  return row
}

/** Bytes of the length that stands before an operand. */
const LENGTH_BYTES: ReadonlyMap<string, number> = new Map([
  ["long1", 1],
  ["string1", 1],
  ["bytes1", 1],
  ["unicodestring1", 1],
  ["long4", 4],
  ["string4", 4],
  ["bytes4", 4],
  ["unicodestring4", 4],
  ["bytes8", 8],
  ["bytearray8", 8],
  ["unicodestring8", 8],
])

const FIXED_BYTES: ReadonlyMap<string, number> = new Map([
  ["uint1", 1],
  ["uint2", 2],
  ["uint4", 4],
  ["int4", 4],
  ["uint8", 8],
  ["float8", 8],
])

/** Bytes of the length before operands of that kind; 0 where none stands there. */
export function lengthBytes(arg: string | null): number {
  return arg === null ? 0 : (LENGTH_BYTES.get(arg) ?? 0)
}

function lineEnd(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(10, from)
  if (at < 0) throw new Error("a line does not end")
  return at + 1
}

function operandEnd(bytes: Uint8Array, arg: string | null, at: number): number {
  if (arg === null) return at
  const fixed = FIXED_BYTES.get(arg)
  if (fixed !== undefined) return at + fixed
  const prefix = LENGTH_BYTES.get(arg)
  if (prefix !== undefined) {
    let length = 0
    for (let i = prefix - 1; i >= 0; i--) length = length * 256 + (bytes[at + i] ?? 0)
    return at + prefix + length
  }
  const end = lineEnd(bytes, at)
  return arg === "stringnl_noescape_pair" ? lineEnd(bytes, end) : end
}

/** The opcodes from `start` to the first STOP. @throws where they cannot be told apart. */
export function listOps(bytes: Uint8Array, start = 0): { ops: readonly Op[]; end: number } {
  const ops: Op[] = []
  for (let at = start; ; ) {
    const code = bytes[at]
    const row = code === undefined ? undefined : BY_CODE.get(code)
    if (row === undefined) throw new Error(`no opcode at ${at}`)
    const end = operandEnd(bytes, row.arg, at + 1)
    if (end > bytes.length) throw new Error(`the operand at ${at} is cut off`)
    ops.push({ ...row, bytes: bytes.subarray(at, end) })
    at = end
    if (row.name === "STOP") return { ops, end }
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function joinOps(ops: readonly Op[]): Uint8Array<ArrayBuffer> {
  return concat(ops.map(({ bytes }) => bytes))
}

/** The operand, without the length before it. */
export function operandOf({ bytes, arg }: Op): Uint8Array {
  return bytes.subarray(1 + lengthBytes(arg))
}

/** The opcode of that name with the operand; a length before it is written to fit. */
export function makeOp(name: string, operand: Uint8Array = new Uint8Array(0)): Op {
  const row = opcodeNamed(name)
  const prefix = new Uint8Array(lengthBytes(row.arg))
  for (let i = 0, left = operand.length; i < prefix.length; i++, left = Math.floor(left / 256)) {
    prefix[i] = left & 255
  }
  return { ...row, bytes: concat([Uint8Array.of(row.code), prefix, operand]) }
}

/** Whole bytes of a two's complement integer, the least significant first. */
export function integerBytes(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let left = BigInt.asUintN(length * 8, value)
  for (let i = 0; i < length; i++, left >>= 8n) bytes[i] = Number(left & 255n)
  return bytes
}

/** The integer that an opcode pushes; undefined for opcodes that push none. */
export function integerOf(op: Op): bigint | undefined {
  const operand = operandOf(op)
  let value = 0n
  for (let i = operand.length - 1; i >= 0; i--) value = value * 256n + BigInt(operand[i] ?? 0)
  if (op.name === "BININT1" || op.name === "BININT2") return value
  if (op.name !== "BININT" && op.name !== "LONG1" && op.name !== "LONG4") return undefined
  return BigInt.asIntN(operand.length * 8, value)
}
