/** Changes to a pickle, value by value: what comes out is mostly a pickle again. */

import { TEXTS } from "./interesting.ts"
import { makeOp, type Op } from "./pickle-ops.ts"
import { type Span, valueSpans } from "./pickle-spans.ts"
import type { Random } from "./random.ts"

/** `ops` with a change; `donor` is another pickle to take parts of. Undefined where the pickle has no place for it. */
export type PickleMutator = (
  ops: readonly Op[],
  random: Random,
  donor: readonly Op[],
) => readonly Op[] | undefined

function cut(ops: readonly Op[], { from, to }: Span): readonly Op[] {
  return ops.slice(from, to)
}

function withSpan(ops: readonly Op[], { from, to }: Span, by: readonly Op[]): readonly Op[] {
  return [...ops.slice(0, from), ...by, ...ops.slice(to)]
}

/** One whole value in the place of another: of the same pickle, or of the donor. */
export const replaceValue: PickleMutator = (ops, random, donor) => {
  const spans = valueSpans(ops)
  const others = random.chance(0.8) ? ops : donor
  const given = others === ops ? spans : valueSpans(donor)
  if (spans.length === 0 || given.length === 0) return undefined
  return withSpan(ops, random.pick(spans), cut(others, random.pick(given)))
}

export const swapValues: PickleMutator = (ops, random) => {
  const spans = valueSpans(ops)
  if (spans.length < 2) return undefined
  const [a, b] = [random.pick(spans), random.pick(spans)].sort((x, y) => x.from - y.from) as [Span, Span]
  if (a.to > b.from) return undefined
  return [
    ...ops.slice(0, a.from),
    ...cut(ops, b),
    ...ops.slice(a.to, b.from),
    ...cut(ops, a),
    ...ops.slice(b.to),
  ]
}

/** A value and the one behind it, once more or not at all: an entry of a dict, an argument and its neighbour. */
export const changePair: PickleMutator = (ops, random) => {
  const spans = valueSpans(ops)
  const byStart = new Map<number, Span>()
  for (const span of spans) byStart.set(span.from, span)
  const pairs = spans.flatMap((key) => {
    const value = byStart.get(key.to)
    return value === undefined ? [] : [{ from: key.from, to: value.to }]
  })
  if (pairs.length === 0) return undefined
  const pair = random.pick(pairs)
  const block = cut(ops, pair)
  if (random.chance(0.4)) return withSpan(ops, pair, [])
  const to = random.chance(0.5) ? pair : random.pick(pairs)
  return [...ops.slice(0, to.to), ...block, ...ops.slice(to.to)]
}

/** A value wrapped into a tuple, a list, a dict, a set or a call. */
export const wrapValue: PickleMutator = (ops, random) => {
  const spans = valueSpans(ops)
  if (spans.length === 0) return undefined
  const span = random.pick(spans)
  const value = cut(ops, span)
  const key = makeOp("BINUNICODE", random.pick(TEXTS))
  const ordered = [
    makeOp("GLOBAL", Uint8Array.from(Buffer.from("collections\nOrderedDict\n"))),
    makeOp("EMPTY_TUPLE"),
  ]
  const by = random.weighted<readonly Op[]>([
    [1, [...value, makeOp("TUPLE1")]],
    [1, [makeOp("EMPTY_LIST"), ...value, makeOp("APPEND")]],
    [3, [makeOp("EMPTY_DICT"), key, ...value, makeOp("SETITEM")]],
    [2, [...ordered, makeOp("REDUCE"), key, ...value, makeOp("SETITEM")]],
    [1, [makeOp("EMPTY_SET"), makeOp("MARK"), ...value, makeOp("ADDITEMS")]],
    [1, [makeOp("MARK"), ...value, ...value, makeOp("TUPLE")]],
    [1, [...value, makeOp("EMPTY_DICT"), makeOp("BUILD")]],
  ])
  return withSpan(ops, span, by)
}
