/** What opcodes do that name, use or move what a global may be: of all protocols, and as either unpickler of CPython does. */

import { isNumberLine, isQuotedLine, readMemoIndex } from "./line-operands.ts"
import type { ListingState } from "./listing-state.ts"
import { OPCODES } from "./opcodes.ts"
import type { Shadow } from "./shadow-stack.ts"

const HIGHEST_PROTOCOL = 5

const pushText = ({ stack, walker }: ListingState): void => stack.push(walker.at)
const pushNumber = (listing: ListingState): void => {
  const { bytes, start, end } = listing.walker
  if (!isNumberLine(bytes, start, end)) listing.fail()
  listing.stack.push(undefined)
}
const recall = ({ stack, number }: ListingState): void => stack.recall(number)
const memoize = (listing: ListingState): void => listing.memoize(listing.number)

function pushQuoted(listing: ListingState): void {
  const { bytes, start, end } = listing.walker
  if (!isQuotedLine(bytes, start, end)) listing.fail()
  pushText(listing)
}

/** GET and PUT, whose operand is text: only a decimal number is read as one. */
function recallByLine(listing: ListingState): void {
  const { bytes, start, end } = listing.walker
  const index = readMemoIndex(bytes, start, end)
  if (typeof index === "number") listing.stack.recall(index)
  else {
    if (index === undefined) listing.fail()
    listing.stack.push(null)
  }
}

function memoizeByLine(listing: ListingState): void {
  const { bytes, start, end } = listing.walker
  const index = readMemoIndex(bytes, start, end)
  if (typeof index === "number") listing.memoize(index)
  else if (index === "unclear") listing.stack.memoizeSomewhere()
  else listing.fail()
}

function persistentId(listing: ListingState, isLine: boolean): void {
  if (!isLine) listing.stack.pop()
  if (!listing.hasPersistentIds) listing.fail()
  // Whatever a loader keeps under it.
  listing.stack.push(null)
}

/* @__NO_SIDE_EFFECTS__ */
function extension(opcode: "EXT1" | "EXT2" | "EXT4"): (listing: ListingState) => void {
  // Where CPython's copyreg keeps what such a code stands for.
  return (listing) => {
    const code = opcode === "EXT4" ? listing.number | 0 : listing.number
    listing.mention(opcode, "copyreg", `_inverted_registry[${code}]`, false)
  }
}

function stackGlobal(listing: ListingState): void {
  const { stack } = listing
  const nameShadow = stack.pop()
  const moduleShadow = stack.pop()
  const module = textOf(listing, moduleShadow)
  const name = textOf(listing, nameShadow)
  const isNamed = typeof module === "string" && typeof name === "string"
  // Python wants two texts. A global may be one, and so may what was made.
  if (module === undefined || name === undefined) listing.fail()
  listing.mention("STACK_GLOBAL", isNamed ? module : "", isNamed ? name : "", isNamed)
}

/** Undefined for what is no text, null for what only Python could tell. */
function textOf(listing: ListingState, shadow: Shadow): string | null | undefined {
  if (typeof shadow === "number") return listing.textAt(shadow)
  return shadow === undefined ? undefined : null
}

function inst(listing: ListingState): void {
  const { stack } = listing
  // The unpickler in C looks for the mark first, the one in Python for the global.
  const hadFailed = stack.hasFailed
  stack.popMark()
  const lacksMark = stack.hasFailed
  stack.hasFailed = hadFailed
  listing.mentionLines("INST")
  if (lacksMark) listing.fail()
  listing.use("instantiated", 0)
}

/** What each opcode does that names, uses or moves what a global may be, in the order of opcodes.ts. */
const FOLLOW_BY_NAME: ReadonlyMap<string, (listing: ListingState) => void> = new Map([
  ["INT", pushNumber],
  ["LONG", pushNumber],
  ["STRING", pushQuoted],
  ["BINSTRING", pushText],
  ["SHORT_BINSTRING", pushText],
  ["NEXT_BUFFER", ({ stack }) => stack.push(null)],
  ["UNICODE", pushText],
  ["SHORT_BINUNICODE", pushText],
  ["BINUNICODE", pushText],
  ["BINUNICODE8", pushText],
  ["FLOAT", pushNumber],
  ["POP", ({ stack }) => stack.popOrUnmark()],
  ["DUP", ({ stack }) => stack.duplicate()],
  ["MARK", ({ stack }) => stack.mark()],
  ["GET", recallByLine],
  ["BINGET", recall],
  ["LONG_BINGET", recall],
  ["PUT", memoizeByLine],
  ["BINPUT", memoize],
  ["LONG_BINPUT", memoize],
  ["MEMOIZE", (listing) => listing.memoize()],
  ["EXT1", extension("EXT1")],
  ["EXT2", extension("EXT2")],
  ["EXT4", extension("EXT4")],
  ["GLOBAL", (listing) => listing.mentionLines("GLOBAL")],
  ["STACK_GLOBAL", stackGlobal],
  ["REDUCE", (listing) => listing.use("called", 1)],
  ["INST", inst],
  ["OBJ", (listing) => listing.useOf(listing.stack.popMark(), "instantiated")],
  ["NEWOBJ", (listing) => listing.use("instantiated", 1)],
  ["NEWOBJ_EX", (listing) => listing.use("instantiated", 2)],
  ["PROTO", (listing) => declare(listing)],
  ["PERSID", (listing) => persistentId(listing, true)],
  ["BINPERSID", (listing) => persistentId(listing, false)],
])

function declare(listing: ListingState): void {
  listing.protocol ??= listing.number
  if (listing.number > HIGHEST_PROTOCOL) listing.fail()
}

/** By the opcode's byte; undefined for those that the stack follows by itself. */
export const FOLLOW: readonly (((listing: ListingState) => void) | undefined)[] = /* @__PURE__ */ (() => {
  const table: (((listing: ListingState) => void) | undefined)[] = new Array(256).fill(undefined)
  for (const { code, name } of OPCODES) table[code] = FOLLOW_BY_NAME.get(name)
  return table
})()
