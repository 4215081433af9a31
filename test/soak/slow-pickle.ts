/** Interprets a pickle one opcode after the other, as the documentation of pickletools words it. */

import { isUtf8 } from "node:buffer"
import { integerOf, listOps, type Op, operandOf } from "./pickle-ops.ts"
import {
  SlowDict,
  SlowError,
  SlowFloat,
  SlowGlobal,
  SlowList,
  SlowOpaque,
  SlowSet,
  SlowTuple,
  type SlowValue,
} from "./slow-values.ts"

/** What a pickle may ask for. */
export interface SlowHost {
  call(callable: SlowGlobal, args: readonly SlowValue[]): SlowValue
  persistentLoad(id: SlowValue): SlowValue
}

const MARK = Symbol("mark")

/** The value of the pickle at `start` of `bytes`, and where it ends. */
export function slowPickle(
  bytes: Uint8Array,
  start: number,
  host: SlowHost,
): { value: SlowValue; end: number } {
  const { ops, end } = listOps(bytes, start)
  const stack: (SlowValue | typeof MARK)[] = []
  const memo = new Map<number, SlowValue>()
  const pop = (): SlowValue => {
    const value = stack.pop()
    if (value === undefined || value === MARK) throw new SlowError("nothing to pop")
    return value
  }
  const popMark = (): SlowValue[] => {
    const values: SlowValue[] = []
    for (;;) {
      const value = stack.pop()
      if (value === undefined) throw new SlowError("no mark")
      if (value === MARK) return values
      values.unshift(value)
    }
  }
  const top = (): SlowValue => {
    const value = pop()
    stack.push(value)
    return value
  }
  const several = (count: number): SlowValue[] => {
    const values: SlowValue[] = []
    for (let i = 0; i < count; i++) values.unshift(pop())
    return values
  }
  const append = (items: readonly SlowValue[]): void => {
    const list = top()
    if (!(list instanceof SlowList)) throw new SlowError("not a list")
    for (const item of items) list.items.push(item)
  }
  const setItems = (flat: readonly SlowValue[]): void => {
    const dict = top()
    if (!(dict instanceof SlowDict) || flat.length % 2 !== 0) throw new SlowError("not a dict, or not pairs")
    for (let i = 0; i < flat.length; i += 2) dict.set(flat[i] ?? null, flat[i + 1] ?? null)
  }
  const recall = (index: number): void => {
    const value = memo.get(index)
    if (value === undefined) throw new SlowError(`memo ${index} is empty`)
    stack.push(value)
  }
  const run = (op: Op): void => {
    const operand = operandOf(op)
    switch (op.name) {
      case "PROTO":
      case "FRAME":
        return
      case "BININT":
      case "BININT1":
      case "BININT2":
      case "LONG1":
      case "LONG4":
        stack.push(integerOf(op) ?? 0n)
        return
      case "BINFLOAT":
        stack.push(new SlowFloat(Buffer.from(operand).readDoubleBE()))
        return
      case "NONE":
        stack.push(null)
        return
      case "NEWTRUE":
        stack.push(true)
        return
      case "NEWFALSE":
        stack.push(false)
        return
      case "BINSTRING":
      case "SHORT_BINSTRING": {
        // A str of Python 2: text where it is UTF-8, bytes elsewhere.
        const bytes = operand as Uint8Array
        stack.push(isUtf8(bytes) ? Buffer.from(bytes).toString("utf8") : bytes)
        return
      }
      case "SHORT_BINUNICODE":
      case "BINUNICODE":
      case "BINUNICODE8":
        stack.push(slowText(operand))
        return
      case "BINBYTES":
      case "SHORT_BINBYTES":
      case "BINBYTES8":
      case "BYTEARRAY8":
        stack.push(operand)
        return
      case "EMPTY_LIST":
        stack.push(new SlowList())
        return
      case "APPEND":
        append([pop()])
        return
      case "APPENDS":
        append(popMark())
        return
      case "EMPTY_TUPLE":
        stack.push(new SlowTuple([]))
        return
      case "TUPLE":
        stack.push(new SlowTuple(popMark()))
        return
      case "TUPLE1":
      case "TUPLE2":
      case "TUPLE3":
        stack.push(new SlowTuple(several(Number(op.name.at(-1)))))
        return
      case "EMPTY_DICT":
        stack.push(new SlowDict(false))
        return
      case "SETITEM":
        setItems(several(2))
        return
      case "SETITEMS":
        setItems(popMark())
        return
      case "EMPTY_SET":
        stack.push(new SlowSet([], false))
        return
      case "ADDITEMS": {
        const items = popMark()
        const set = top()
        if (!(set instanceof SlowSet)) throw new SlowError("not a set")
        set.add(items)
        return
      }
      case "FROZENSET":
        stack.push(new SlowSet(popMark(), true))
        return
      case "MARK":
        stack.push(MARK)
        return
      case "BINPUT":
      case "LONG_BINPUT":
        memo.set(unsigned(operand), top())
        return
      case "MEMOIZE":
        memo.set(memo.size, top())
        return
      case "BINGET":
      case "LONG_BINGET":
        recall(unsigned(operand))
        return
      case "GLOBAL": {
        const [module = "", name = ""] = Buffer.from(operand).toString("latin1").split("\n")
        stack.push(new SlowGlobal(module, name))
        return
      }
      case "STACK_GLOBAL": {
        const [module, name] = several(2)
        if (typeof module !== "string" || typeof name !== "string") throw new SlowError("no names")
        stack.push(new SlowGlobal(module, name))
        return
      }
      case "REDUCE": {
        const [callable, args] = several(2)
        if (!(callable instanceof SlowGlobal && args instanceof SlowTuple)) throw new SlowError("no call")
        stack.push(host.call(callable, args.items))
        return
      }
      case "NEWOBJ": {
        const [type, args] = several(2)
        const known =
          type instanceof SlowGlobal && type.name === "OrderedDict" && type.module === "collections"
        if (!known || !(args instanceof SlowTuple) || args.items.length > 0) throw new SlowError("no class")
        stack.push(new SlowDict(true))
        return
      }
      case "BUILD": {
        pop()
        // An OrderedDict takes attributes, which are no part of what it holds.
        const target = top()
        if (!(target instanceof SlowDict && target.ordered)) throw new SlowError("state for something else")
        target.hasState = true
        return
      }
      case "BINPERSID":
        stack.push(host.persistentLoad(pop()))
        return
      case "STOP":
        return
      default:
        throw new SlowError(`${op.name} is not data`)
    }
  }
  for (const op of ops) run(op)
  const value = pop()
  if (stack.length > 0) throw new SlowError("more than one value is left")
  return { value, end }
}

function unsigned(operand: Uint8Array): number {
  return operand.reduceRight((sum, byte) => sum * 256 + byte, 0)
}

/** The least code point for as many bytes more. */
const LEAST_POINTS = [0, 0x80, 0x800, 0x1_0000]

/** UTF-8, in which halves of surrogate pairs may stand alone. */
export function slowText(bytes: Uint8Array): string {
  const units: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++] ?? 0
    const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4) throw new SlowError("not UTF-8")
    let point = more === 0 ? first : first & (0x3f >> more)
    for (let i = 0; i < more; i++) {
      const next = bytes[at++] ?? 0
      if ((next & 0xc0) !== 0x80) throw new SlowError("not UTF-8")
      point = point * 64 + (next & 0x3f)
    }
    if (point < (LEAST_POINTS[more] ?? 0)) throw new SlowError("an overlong form")
    if (point > 0x10ffff) throw new SlowError("above Unicode")
    units.push(String.fromCodePoint(point))
  }
  return units.join("")
}

export const OPAQUE: SlowOpaque = new SlowOpaque()
