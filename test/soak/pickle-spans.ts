/** Which runs of opcodes make one value. */

import type { Op } from "./pickle-ops.ts"

/** Opcodes `[from, to)` that together push one value and touch nothing below it. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Values that an opcode takes before it pushes one. */
const TAKES: ReadonlyMap<string, number> = new Map([
  ["TUPLE1", 1],
  ["TUPLE2", 2],
  ["TUPLE3", 3],
  ["REDUCE", 2],
  ["NEWOBJ", 2],
  ["STACK_GLOBAL", 2],
  ["BINPERSID", 1],
  ["BUILD", 2],
  ["SETITEM", 3],
  ["APPEND", 2],
  // These leave the value where it is.
  ["BINPUT", 1],
  ["LONG_BINPUT", 1],
  ["MEMOIZE", 1],
])

/** Opcodes that take everything above a mark; the number says whether the value below it as well. */
const TAKES_MARK: ReadonlyMap<string, number> = new Map([
  ["TUPLE", 0],
  ["FROZENSET", 0],
  ["APPENDS", 1],
  ["SETITEMS", 1],
  ["ADDITEMS", 1],
])

const NEITHER: ReadonlySet<string> = new Set(["PROTO", "FRAME", "STOP"])

/** All of them, as far as the pickle makes sense. */
export function valueSpans(ops: readonly Op[]): readonly Span[] {
  const spans: Span[] = []
  /** Where each value on the stack begins; a mark is the negative of that, less one. */
  const stack: number[] = []
  for (const [i, { name }] of ops.entries()) {
    if (NEITHER.has(name)) continue
    if (name === "MARK") {
      stack.push(-1 - i)
      continue
    }
    let from: number | undefined = i
    const taken = TAKES.get(name) ?? 0
    for (let n = 0; n < taken; n++) from = stack.pop()
    const below = TAKES_MARK.get(name)
    if (below !== undefined) {
      while ((stack.at(-1) ?? -1) >= 0) stack.pop()
      const mark = stack.pop()
      from = mark === undefined ? undefined : -1 - mark
      if (below === 1) from = stack.pop()
    }
    if (from === undefined || from < 0) return spans
    stack.push(from)
    spans.push({ from, to: i + 1 })
  }
  return spans
}
