/**
 * Lists every global that a pickle names, without interpreting it: what an audit shows, and what the machine's refusal
 * names. What either of CPython's unpicklers looks up is listed, in order; behind the place where both have failed for
 * certain it goes on as far as there are opcodes, and says so of what it finds there (`isReached`).
 *
 * Texts are not made: a pickle of 100 KB can ask for a gigabyte of them. Where one stands is kept, and what STACK_GLOBAL
 * takes for a name is read then.
 */

import { STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { type AnyCheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import { Listing, type ListingOptions } from "./listing.ts"
import { findMemoReadsSteps } from "./memo.ts"
import type { WalkEnd } from "./opcode-walker.ts"
import { OPCODE_BY_BYTE, type OpcodeInfo } from "./opcodes.ts"
import { SymbolicStack } from "./symbolic-stack.ts"
import { isQuotedLine, readMemoIndex } from "./text-literals.ts"

const HIGHEST_PROTOCOL = 5

/** How far the listing came. */
export interface PickleListing {
  /** What PROTO declares first; undefined without one. */
  readonly protocol: number | undefined
  readonly opcodeCount: number
  /** Byte offset after the last opcode that was read. */
  readonly end: number
  /** Where the frame ends that STOP stands in, if it goes on behind it: unpicklers go on reading a file there. */
  readonly frameEnd: number | undefined
  /** Whether STOP was reached. */
  readonly complete: boolean
  /** Why the listing ended: at STOP, for want of bytes or of an opcode, by a limit, or because it was told to. */
  readonly ended: "stop" | WalkEnd | "limit" | "told"
  /** The limit that was met. */
  readonly fault: AnyCheckpointError | undefined
  /** Whether every unpickler of CPython has failed before that, for certain. */
  readonly hasFailed: boolean
  /** Whether an unpickler may come to do something with a global: calls it, sets its state or its items. */
  readonly hasActed: boolean
}

/** Lists the globals of the pickle that begins at `options.start` of `bytes`, in steps. Throws for no pickle. */
export function* listGlobalsSteps(bytes: Uint8Array, options: ListingOptions): Steps<PickleListing> {
  const stack = new SymbolicStack(yield* findMemoReadsSteps(bytes, options.start ?? 0))
  const listing = new Listing(bytes, options, stack)
  let fault: AnyCheckpointError | undefined
  let ended: PickleListing["ended"] | undefined
  try {
    for (ended = runSome(listing); ended === undefined; ended = runSome(listing)) yield
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    fault = error
  }
  const { protocol, opcodeCount, end, walker } = listing
  return {
    protocol,
    opcodeCount,
    end,
    frameEnd: walker.frameEnd > end ? walker.frameEnd : undefined,
    complete: ended === "stop",
    ended: ended ?? "limit",
    fault,
    hasFailed: stack.hasFailed,
    hasActed: stack.hasActed,
  }
}

/** Follows a step's worth of opcodes. Tells why the listing ended, or nothing when it goes on. */
function runSome(listing: Listing): "stop" | "told" | WalkEnd | undefined {
  const { walker, stack } = listing
  const enough = walker.position + STEP_BYTES
  for (let left = STEP_ITEMS; left > 0 && walker.position < enough; left--) {
    if (!listing.goesOn) return "told"
    if (!walker.next()) return walker.stopped
    const opcode = OPCODE_BY_BYTE[walker.code] as OpcodeInfo
    listing.count(opcode)
    if (stack.move(opcode, walker.at)) continue
    FOLLOW[opcode.code]?.(listing)
    if (opcode.name === "STOP") return "stop"
  }
  return undefined
}

type Follow = (listing: Listing) => void

/** What opcodes do that is more than moving values, as either unpickler of CPython does it. */
const FOLLOW_BY_NAME: ReadonlyMap<string, Follow> = /* @__PURE__ */ new Map<string, Follow>([
  ["STRING", pushQuoted],
  ["NEXT_BUFFER", ({ stack }) => stack.push(null)],
  ["POP", ({ stack }) => stack.popOrUnmark()],
  ["DUP", ({ stack }) => stack.duplicate()],
  ["GET", recallByLine],
  ["BINGET", ({ stack, walker }) => stack.recall(walker.number)],
  ["LONG_BINGET", ({ stack, walker }) => stack.recall(walker.number)],
  ["PUT", memoizeByLine],
  ["BINPUT", (listing) => listing.memoize(listing.walker.number)],
  ["LONG_BINPUT", (listing) => listing.memoize(listing.walker.number)],
  ["MEMOIZE", (listing) => listing.memoize()],
  ["EXT1", (listing) => extension(listing, "EXT1")],
  ["EXT2", (listing) => extension(listing, "EXT2")],
  ["EXT4", (listing) => extension(listing, "EXT4")],
  ["GLOBAL", (listing) => listing.mentionLines("GLOBAL")],
  ["STACK_GLOBAL", stackGlobal],
  ["REDUCE", (listing) => listing.use("called", 1)],
  ["INST", inst],
  ["OBJ", (listing) => listing.useOf(listing.stack.popMark(), "instantiated")],
  ["NEWOBJ", (listing) => listing.use("instantiated", 1)],
  ["NEWOBJ_EX", (listing) => listing.use("instantiated", 2)],
  ["PROTO", declare],
  ["STOP", ({ stack }) => stack.requireValue()],
  ["PERSID", persistentId],
  [
    "BINPERSID",
    (listing) => {
      listing.stack.pop()
      persistentId(listing)
    },
  ],
])

const FOLLOW: readonly (Follow | undefined)[] = /* @__PURE__ */ OPCODE_BY_BYTE.map((opcode) =>
  FOLLOW_BY_NAME.get(opcode?.name ?? ""),
)

function pushQuoted(listing: Listing): void {
  const { bytes, start, end, at } = listing.walker
  listing.failUnless(isQuotedLine(bytes, start, end))
  listing.stack.push(at)
}

/** GET and PUT, whose operand is text: only a decimal number is read as one. */
function recallByLine(listing: Listing): void {
  const { bytes, start, end } = listing.walker
  const index = readMemoIndex(bytes, start, end)
  listing.failUnless(index !== undefined)
  if (typeof index === "number") listing.stack.recall(index)
  else listing.stack.push(null)
}

function memoizeByLine(listing: Listing): void {
  const { bytes, start, end } = listing.walker
  const index = readMemoIndex(bytes, start, end)
  listing.failUnless(index !== undefined)
  if (typeof index === "number") listing.memoize(index)
  else if (index === "unclear") listing.stack.memoizeSomewhere()
}

/** Named by where CPython's copyreg keeps what such a code stands for. */
function extension(listing: Listing, opcode: "EXT1" | "EXT2" | "EXT4"): void {
  const { number } = listing.walker
  const code = opcode === "EXT4" ? number | 0 : number
  listing.mention(opcode, "copyreg", `_inverted_registry[${code}]`, false)
}

function stackGlobal(listing: Listing): void {
  const pushedName = listing.stack.pop()
  const module = listing.textOf(listing.stack.pop())
  const name = listing.textOf(pushedName)
  const isNamed = typeof module === "string" && typeof name === "string"
  // Python wants two texts. A global may be one, and so may what was made.
  listing.failUnless(module !== undefined && name !== undefined)
  listing.mention("STACK_GLOBAL", isNamed ? module : "", isNamed ? name : "", isNamed)
}

function inst(listing: Listing): void {
  const { stack } = listing
  // The unpickler in C looks for the mark first, the one in Python for the global.
  const hadFailed = stack.hasFailed
  stack.popMark()
  const lacksMark = stack.hasFailed
  stack.hasFailed = hadFailed
  listing.mentionLines("INST")
  listing.failUnless(!lacksMark)
  listing.use("instantiated", 0)
}

function declare(listing: Listing): void {
  const { number } = listing.walker
  listing.protocol ??= number
  listing.failUnless(number <= HIGHEST_PROTOCOL)
}

function persistentId(listing: Listing): void {
  listing.failUnless(listing.hasPersistentIds)
  // Whatever a loader keeps under it.
  listing.stack.push(null)
}
