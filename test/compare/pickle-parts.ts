/** Parts of pickles as several writers write them: the same value in the opcodes of Python 2, of Python 3, of C++. */

import { latin1, type Part } from "../pickle/assemble.ts"
import type { Random } from "../soak/random.ts"

export type Parts = readonly Part[]

export const global = (module: string, name: string): Part => ["GLOBAL", module, name]
export const NONE: Parts = ["NONE"]
export const TRUE: Parts = ["NEWTRUE"]
export const FALSE: Parts = ["NEWFALSE"]
export const ORDERED: Parts = [global("collections", "OrderedDict"), "EMPTY_TUPLE", "REDUCE"]

export const call = (callable: Part, ...args: readonly Parts[]): Parts => [
  callable,
  ...tuple(...args),
  "REDUCE",
]

export const tuple = (...items: readonly Parts[]): Parts => ["MARK", ...items.flat(), "TUPLE"]

export const list = (...items: readonly Parts[]): Parts => ["EMPTY_LIST", "MARK", ...items.flat(), "APPENDS"]

export const dict = (...entries: readonly (readonly [Parts, Parts])[]): Parts => [
  "EMPTY_DICT",
  "MARK",
  ...entries.flat(2),
  "SETITEMS",
]

export const float = (value: number): Parts => [["BINFLOAT", value]]

export function int(value: number | bigint): Parts {
  const number = Number(value)
  if (number >= 0 && number < 256) return [["BININT1", number]]
  if (number >= -(2 ** 31) && number < 2 ** 31) return [["BININT", number]]
  return [["LONG1", BigInt(value)]]
}

export const complex = (real: number, imaginary: number): Parts =>
  call(global("__builtin__", "complex"), float(real), float(imaginary))

/** Text as the writer of this checkpoint writes it. */
export type TextWriter = (value: string) => Parts

export function textWriter(random: Random, protocol: number): TextWriter {
  const python2: TextWriter = (value) => [["SHORT_BINSTRING", value]]
  const python3: TextWriter = (value) => [["BINUNICODE", value]]
  if (protocol >= 4) return (value) => [["SHORT_BINUNICODE", value]]
  return random.weighted([
    [6, python3],
    [2, python2],
    [1, (value) => (random.chance(0.5) ? python2(value) : python3(value))],
  ])
}

/** A str of Python 2 that is not UTF-8. */
export const LATIN1: Parts = [["SHORT_BINSTRING", latin1("caf\u00e9")]]
