/** Changes to a pickle, opcode by opcode. Each gives a new list of opcodes. */

import { BROKEN_TEXTS, BYTES, GLOBAL_KINDS, INTEGERS, TEXTS } from "./interesting.ts"
import {
  integerBytes,
  integerOf,
  joinOps,
  makeOp,
  OPCODE_ROWS,
  type Op,
  opcodeNamed,
  operandOf,
} from "./pickle-ops.ts"
import type { Random, Weighted } from "./random.ts"
import type { PickleMutator } from "./value-mutators.ts"
import { changePair, replaceValue, swapValues, wrapValue } from "./value-mutators.ts"

function places(ops: readonly Op[], fits: (op: Op) => boolean): readonly number[] {
  return ops.flatMap((op, i) => (fits(op) ? [i] : []))
}

function replaced(ops: readonly Op[], at: number, ...by: readonly Op[]): readonly Op[] {
  return [...ops.slice(0, at), ...by, ...ops.slice(at + 1)]
}

/** An opcode that pushes `value`, in any of the ways that hold it. */
export function integerOp(value: bigint, random: Random): Op {
  const ways: (() => Op)[] = []
  if (value >= 0n && value < 256n) ways.push(() => makeOp("BININT1", integerBytes(value, 1)))
  if (value >= 0n && value < 65_536n) ways.push(() => makeOp("BININT2", integerBytes(value, 2)))
  if (BigInt.asIntN(32, value) === value) ways.push(() => makeOp("BININT", integerBytes(value, 4)))
  if (ways.length > 0 && random.chance(0.8)) return random.pick(ways)()
  let length = 0
  while (BigInt.asIntN(length * 8, value) !== value) length++
  if (random.chance(0.2)) length += random.below(5)
  return makeOp(random.chance(0.9) ? "LONG1" : "LONG4", integerBytes(value, length))
}

function randomOperand(arg: string | null, random: Random): Uint8Array {
  switch (arg) {
    case null:
      return new Uint8Array(0)
    case "uint1":
      return Uint8Array.of(random.chance(0.7) ? random.below(12) : random.pick(BYTES))
    case "uint2":
      return integerBytes(random.pick(INTEGERS), 2)
    case "uint4":
    case "int4":
      return integerBytes(random.pick(INTEGERS), 4)
    case "uint8":
    case "float8":
      return integerBytes(random.pick(INTEGERS), 8)
    case "long1":
    case "long4":
      return integerBytes(random.pick(INTEGERS), random.below(12))
    case "stringnl_noescape_pair": {
      const [module, name] = random.pick(random.pick(GLOBAL_KINDS))
      return Uint8Array.from(Buffer.from(`${module}\n${name}\n`))
    }
    default: {
      const text = random.pick(TEXTS)
      return /nl/.test(arg) ? Uint8Array.from([...text, 10]) : text
    }
  }
}

/** Opcodes that this library reads come up more often than those that it refuses. */
const USUAL_ROWS = OPCODE_ROWS.filter(
  ({ name }) => !/^(INT|LONG|STRING|FLOAT|UNICODE|PERSID|EXT\d)$/.test(name),
)

function randomOp(random: Random): Op {
  const { name, arg } = random.pick(random.chance(0.9) ? USUAL_ROWS : OPCODE_ROWS)
  const operand = randomOperand(arg, random)
  return makeOp(name, /[14]$/.test(name) && operand.length > 255 ? operand.subarray(0, 255) : operand)
}

const changeInteger: PickleMutator = (ops, random) => {
  const found = places(ops, (op) => integerOf(op) !== undefined)
  if (found.length === 0) return undefined
  const at = random.pick(found)
  const before = integerOf(ops[at] as Op) ?? 0n
  const value = random.weighted<() => bigint>([
    [5, () => random.pick(INTEGERS)],
    [3, () => before + BigInt(random.pick([1, -1, 2, -2]))],
    [1, () => before * 2n],
    [1, () => before / 2n],
    [1, () => -before],
    [2, () => BigInt(random.below(20))],
  ])()
  return replaced(ops, at, integerOp(value, random))
}

const swapIntegers: PickleMutator = (ops, random) => {
  const found = places(ops, (op) => integerOf(op) !== undefined)
  if (found.length < 2) return undefined
  return swapped(ops, random.pick(found), random.pick(found))
}

function swapped(ops: readonly Op[], a: number, b: number): readonly Op[] {
  const copy = [...ops]
  const [first, second] = [ops[a], ops[b]]
  if (first === undefined || second === undefined) return ops
  copy[a] = second
  copy[b] = first
  return copy
}

const IS_TEXT = /UNICODE|STRING|BYTES|BYTEARRAY/

const changeText: PickleMutator = (ops, random) => {
  const found = places(ops, ({ name }) => IS_TEXT.test(name))
  if (found.length === 0) return undefined
  const at = random.pick(found)
  const op = ops[at] as Op
  const before = operandOf(op)
  const text = random.weighted<() => Uint8Array>([
    [4, () => operandOf(ops[random.pick(found)] as Op)],
    [4, () => random.pick(TEXTS)],
    [1, () => random.pick(BROKEN_TEXTS)],
    [1, () => Uint8Array.from([...before, ...random.pick(TEXTS)])],
    [1, () => Uint8Array.from([...before, ...random.pick(BROKEN_TEXTS)])],
    [1, () => before.subarray(0, random.below(before.length))],
    [1, () => before.map((byte, i) => (i === 0 ? byte ^ (1 << random.below(8)) : byte))],
  ])()
  const kind = random.chance(0.85)
    ? op.name
    : random.pick(["BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINSTRING"])
  return replaced(ops, at, makeOp(text.length > 255 ? "BINUNICODE" : kind, text))
}

/** A length that is not the operand's own. */
const changeLength: PickleMutator = (ops, random) => {
  const found = places(ops, ({ arg }) => arg !== null && /string[148]$|bytes[148]$|array8|long[14]/.test(arg))
  if (found.length === 0) return undefined
  const at = random.pick(found)
  const op = ops[at] as Op
  const width = op.bytes.length - 1 - operandOf(op).length
  const value = random.chance(0.5)
    ? random.pick(INTEGERS)
    : BigInt(operandOf(op).length) + BigInt(random.pick([1, -1, 2]))
  const bytes = Uint8Array.from(op.bytes)
  bytes.set(integerBytes(value, width), 1)
  return replaced(ops, at, { ...op, bytes })
}

const changeGlobal: PickleMutator = (ops, random) => {
  const found = places(ops, ({ name }) => name === "GLOBAL")
  if (found.length === 0) return undefined
  const at = random.pick(found)
  const before = Buffer.from(operandOf(ops[at] as Op)).toString("latin1")
  const own = GLOBAL_KINDS.find((kind) => kind.some(([module, name]) => before === `${module}\n${name}\n`))
  const [module, name] = random.pick(
    own !== undefined && random.chance(0.75) ? own : random.pick(GLOBAL_KINDS),
  )
  const operand = Uint8Array.from(Buffer.from(`${module}\n${name}\n`))
  return replaced(ops, at, makeOp("GLOBAL", operand))
}

const IS_MEMO = /^(LONG_)?BIN(PUT|GET)$|^MEMOIZE$/

const changeMemo: PickleMutator = (ops, random) => {
  const found = places(ops, ({ name }) => IS_MEMO.test(name))
  if (found.length === 0) return undefined
  const at = random.pick(found)
  const other = ops[random.pick(found)] as Op
  const { name } = ops[at] as Op
  const index = random.chance(0.6)
    ? operandOf(other)
    : random.chance(0.5)
      ? integerBytes(random.pick(INTEGERS), 4)
      : Uint8Array.of(random.below(40))
  const wide = integerBytes(
    index.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n),
    4,
  )
  const narrow = wide.subarray(0, 1)
  const put = random.chance(0.8) ? name.includes("PUT") || name === "MEMOIZE" : random.chance(0.5)
  if (put && random.chance(0.1)) return replaced(ops, at, makeOp("MEMOIZE"))
  const kind = `BIN${put ? "PUT" : "GET"}`
  return replaced(ops, at, random.chance(0.7) ? makeOp(kind, narrow) : makeOp(`LONG_${kind}`, wide))
}

const changeConstant: PickleMutator = (ops, random) => {
  const constants = ["NEWTRUE", "NEWFALSE", "NONE", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_SET"]
  const found = places(ops, ({ name }) => constants.includes(name))
  if (found.length === 0) return undefined
  return replaced(ops, random.pick(found), makeOp(random.pick(constants)))
}

const changeProtocol: PickleMutator = (ops, random) => {
  const found = places(ops, ({ name }) => name === "PROTO" || name === "FRAME")
  if (found.length === 0) return undefined
  const at = random.pick(found)
  const { name } = ops[at] as Op
  const operand =
    name === "PROTO"
      ? Uint8Array.of(random.pick([0, 1, 2, 3, 4, 5, 6, 255]))
      : integerBytes(random.pick(INTEGERS), 8)
  return replaced(ops, at, makeOp(name, operand))
}

const replaceOp: PickleMutator = (ops, random) => replaced(ops, random.below(ops.length), randomOp(random))

const insertOp: PickleMutator = (ops, random) => {
  const at = random.below(ops.length + 1)
  return [...ops.slice(0, at), randomOp(random), ...ops.slice(at)]
}

const deleteOp: PickleMutator = (ops, random) => replaced(ops, random.below(ops.length))

const duplicateOp: PickleMutator = (ops, random) => {
  const at = random.below(ops.length)
  const op = ops[at]
  return op === undefined ? undefined : replaced(ops, at, op, op)
}

const swapOps: PickleMutator = (ops, random) => {
  const at = random.below(ops.length)
  return swapped(ops, at, random.chance(0.5) ? at + 1 : random.below(ops.length))
}

const moveBlock: PickleMutator = (ops, random) => {
  const from = random.below(ops.length)
  const length = random.between(1, 12)
  const rest = [...ops.slice(0, from), ...ops.slice(from + length)]
  const to = random.below(rest.length + 1)
  return [...rest.slice(0, to), ...ops.slice(from, from + length), ...rest.slice(to)]
}

const duplicateBlock: PickleMutator = (ops, random) => {
  const from = random.below(ops.length)
  const to = from + random.between(1, 30)
  return [...ops.slice(0, to), ...ops.slice(from, to), ...ops.slice(to)]
}

const deleteBlock: PickleMutator = (ops, random) => {
  const from = random.below(ops.length)
  return [...ops.slice(0, from), ...ops.slice(from + random.between(1, 12))]
}

/** The head of one pickle and the tail of another. */
const splice: PickleMutator = (ops, random, donor) => [
  ...ops.slice(0, random.below(ops.length)),
  ...donor.slice(random.below(donor.length)),
]

export const PICKLE_MUTATORS: readonly Weighted<readonly [name: string, PickleMutator]>[] = [
  [14, ["integer", changeInteger]],
  [4, ["swap-integers", swapIntegers]],
  [8, ["text", changeText]],
  [2, ["length", changeLength]],
  [7, ["global", changeGlobal]],
  [5, ["memo", changeMemo]],
  [3, ["constant", changeConstant]],
  [1, ["protocol", changeProtocol]],
  [4, ["replace-op", replaceOp]],
  [4, ["insert-op", insertOp]],
  [3, ["delete-op", deleteOp]],
  [3, ["duplicate-op", duplicateOp]],
  [3, ["swap-ops", swapOps]],
  [2, ["move-block", moveBlock]],
  [2, ["duplicate-block", duplicateBlock]],
  [2, ["delete-block", deleteBlock]],
  [2, ["splice", splice]],
  [7, ["replace-value", replaceValue]],
  [6, ["swap-values", swapValues]],
  [5, ["pair", changePair]],
  [4, ["wrap-value", wrapValue]],
]

/** Makes each FRAME say how many bytes follow it, up to the next one. */
export function fixFrames(ops: readonly Op[]): readonly Op[] {
  if (!ops.some(({ name }) => name === "FRAME")) return ops
  const frame = opcodeNamed("FRAME").name
  let length = 0
  const fixed: Op[] = []
  for (const op of [...ops].reverse()) {
    if (op.name === frame) {
      fixed.push(makeOp(frame, integerBytes(BigInt(length), 8)))
      length = 0
    } else {
      fixed.push(op)
      length += op.bytes.length
    }
  }
  return fixed.reverse()
}

/** The pickle as bytes; with the frames mended in most cases. */
export function finishPickle(ops: readonly Op[], random: Random): Uint8Array<ArrayBuffer> {
  return joinOps(random.chance(0.9) ? fixFrames(ops) : ops)
}
