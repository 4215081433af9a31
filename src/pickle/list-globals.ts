/**
 * Lists every global that a pickle names, without interpreting it: what an audit shows, and what the machine's refusal
 * names. What either of CPython's unpicklers looks up is listed, in order; behind the place where both have failed for
 * certain it goes on as far as there are opcodes, and says so of what it finds there (`isReached`).
 *
 * Texts are not made: a pickle of 100 KB can ask for a gigabyte of them. Where one stands is kept, and what STACK_GLOBAL
 * takes for a name is read then.
 */

import { atOnce, STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import type { AnyCheckpointError } from "../errors.ts"
import { isCheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { isNumberLine, isQuotedLine, readMemoIndex } from "./line-operands.ts"
import { findMemoReadsSteps } from "./memo-reads.ts"
import { MemoryBudget } from "./memory-budget.ts"
import { LISTING_COSTS, MEMO_ENTRY_BYTES } from "./memory-costs.ts"
import type { WalkEnd } from "./opcode-walker.ts"
import { OpcodeWalker } from "./opcode-walker.ts"
import { OPCODE_BY_BYTE, OPCODES } from "./opcodes.ts"
import type { GlobalMention, Shadow } from "./shadow-stack.ts"
import { ShadowStack } from "./shadow-stack.ts"
import { readName, readNameLine } from "./text-literals.ts"

/** Opcodes and memory that listings have taken so far; several pickles of a file share one. */
export interface ListingBudget {
  opcodes: number
  readonly memory: MemoryBudget
}

/** What to list. */
export interface ListingOptions {
  /** What to call the pickle in messages. */
  readonly within: string
  readonly limits: Limits
  /** Byte offset of the pickle in `bytes`. Default 0. */
  readonly start?: number
  /** Default: one that the bytes allow. */
  readonly budget?: ListingBudget
  /** False where `bytes` are only the beginning of what there is. Default true. */
  readonly isWhole?: boolean
  /** False where whoever unpickles knows of no persistent ids, as `pickle.load` does not. Default true. */
  readonly hasPersistentIds?: boolean
  /**
   * Gets each mention as it is found and returns what to note its uses on: the mention itself, or an earlier one of the
   * same global. Undefined ends the listing. Uses are complete when the listing has ended.
   */
  readonly onMention: (mention: GlobalMention) => GlobalMention | undefined
}

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

/** Lists the globals of the pickle that begins at `options.start` of `bytes`. Throws for no pickle. */
export function listGlobals(bytes: Uint8Array, options: ListingOptions): PickleListing {
  return atOnce(listGlobalsSteps(bytes, options))
}

/** As `listGlobals`, in steps. */
export function* listGlobalsSteps(bytes: Uint8Array, options: ListingOptions): Steps<PickleListing> {
  const shadows = new ShadowStack(yield* findMemoReadsSteps(bytes, options.start ?? 0))
  const listing = new Listing(bytes, options, shadows)
  let fault: AnyCheckpointError | undefined
  let some: PickleListing["ended"] | undefined
  try {
    for (some = listing.runSome(); some === undefined; some = listing.runSome()) yield
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    fault = error
  }
  const ended = some ?? "limit"
  const { protocol, opcodeCount, end, stack, walker } = listing
  const { hasFailed, hasActed } = stack
  const frameEnd = walker.frameEnd > end ? walker.frameEnd : undefined
  const complete = ended === "stop"
  return { protocol, opcodeCount, end, frameEnd, complete, ended, fault, hasFailed, hasActed }
}

class Listing {
  protocol: number | undefined
  opcodeCount = 0
  end: number
  readonly stack: ShadowStack
  readonly walker: OpcodeWalker
  readonly hasPersistentIds: boolean
  readonly #within: string
  readonly #limits: Limits
  readonly #budget: ListingBudget
  readonly #onMention: ListingOptions["onMention"]
  #goesOn = true
  #hasMentionedFrame = false
  /** Texts that were read lately: names come back from the memo as often as the pickle likes. */
  readonly #texts = new Map<number, string>()

  constructor(bytes: Uint8Array, options: ListingOptions, stack: ShadowStack) {
    const { within, limits, onMention, start = 0, isWhole = true, hasPersistentIds = true } = options
    this.walker = new OpcodeWalker(bytes, start, isWhole)
    this.stack = stack
    this.hasPersistentIds = hasPersistentIds
    this.end = start
    this.#within = within
    this.#limits = limits
    this.#budget = options.budget ?? { opcodes: 0, memory: MemoryBudget.of(limits, bytes.byteLength) }
    this.#onMention = onMention
  }

  /** Follows a step's worth of opcodes. Tells why the listing ended, or nothing when it goes on. */
  runSome(): "stop" | "told" | WalkEnd | undefined {
    const { walker, stack } = this
    const budget = this.#budget
    const { memory } = budget
    const enough = walker.position + STEP_BYTES
    for (let left = STEP_ITEMS; left > 0 && walker.position < enough; left--) {
      if (!this.#goesOn) return "told"
      if (!walker.next()) return walker.stopped
      this.opcodeCount += 1
      budget.opcodes += 1
      if (budget.opcodes > this.#limits.maxOpcodes)
        requireWithin(this.#limits, "maxOpcodes", budget.opcodes, this.#within)
      const { code } = walker
      memory.taken += LISTING_COSTS[code] as number
      if (memory.taken > memory.allowed) throw memory.refusal(this.#within)
      this.end = walker.position
      if (walker.crossesFrame) this.#mentionFrame()
      if (stack.move(code)) continue
      if (code === STOP) {
        stack.stop()
        return "stop"
      }
      FOLLOW[code]?.(this)
    }
    return undefined
  }

  /** The operand of the opcode that is followed, as a number. */
  get number(): number {
    return this.walker.number
  }

  fail(): void {
    this.stack.hasFailed = true
  }

  memoize(index?: number): void {
    if (this.stack.memoize(index)) this.#budget.memory.taken += MEMO_ENTRY_BYTES
    requireWithin(this.#limits, "maxMemoEntries", this.stack.memoSize, this.#within)
  }

  /** Takes the callable off, which lies below `given` other operands. */
  use(use: "called" | "instantiated", given: number): void {
    for (let i = 0; i < given; i++) this.stack.pop()
    this.useOf(this.stack.pop(), use)
  }

  useOf(callable: Shadow, use: "called" | "instantiated"): void {
    const { code, at } = this.walker
    this.stack.call(callable, use, OPCODE_BY_BYTE[code]?.name ?? "", at)
  }

  /** GLOBAL and INST. Where a line cannot be decoded Python fails before it looks anything up. */
  mentionLines(opcode: "GLOBAL" | "INST"): void {
    const { bytes, start, end, nameStart, nameEnd } = this.walker
    const module = readNameLine(bytes, start, end, opcode === "INST")
    const name = readNameLine(bytes, nameStart, nameEnd, opcode === "INST")
    if (module === undefined || name === undefined) this.fail()
    this.mention(opcode, module ?? "", name ?? "", module !== undefined && name !== undefined)
  }

  /** Once a pickle: from here on nothing is certain, but all is listed as it stands. */
  #mentionFrame(): void {
    this.walker.crossesFrame = false
    if (this.#hasMentionedFrame) return
    this.#hasMentionedFrame = true
    this.#note("FRAME", "", "", false)
  }

  /** What the text that was pushed at `place` says. */
  textAt(place: number): string | undefined {
    const known = this.#texts.get(place)
    if (known !== undefined) return known
    const walker = new OpcodeWalker(this.walker.bytes, place, true)
    walker.next()
    const text = readName(walker)
    if (this.#texts.size === MOST_TEXTS) this.#texts.clear()
    if (text !== undefined) this.#texts.set(place, text)
    return text
  }

  mention(opcode: GlobalMention["opcode"], module: string, name: string, isNamed: boolean): void {
    this.stack.push(this.#note(opcode, module, name, isNamed))
  }

  #note(
    opcode: GlobalMention["opcode"],
    module: string,
    name: string,
    isNamed: boolean,
  ): GlobalMention | undefined {
    const { at } = this.walker
    const isReached = !this.stack.hasFailed
    const use = "mentioned"
    const noted = this.#onMention({ module, name, isNamed, isReached, at, opcode, use, usedBy: undefined })
    if (noted === undefined) this.#goesOn = false
    return noted
  }
}

const STOP = 0x2e
const MOST_TEXTS = 64
const HIGHEST_PROTOCOL = 5

const pushText = ({ stack, walker }: Listing): void => stack.push(walker.at)
const pushNumber = (listing: Listing): void => {
  const { bytes, start, end } = listing.walker
  if (!isNumberLine(bytes, start, end)) listing.fail()
  listing.stack.push(undefined)
}
const recall = ({ stack, number }: Listing): void => stack.recall(number)
const memoize = (listing: Listing): void => listing.memoize(listing.number)

function pushQuoted(listing: Listing): void {
  const { bytes, start, end } = listing.walker
  if (!isQuotedLine(bytes, start, end)) listing.fail()
  pushText(listing)
}

/** GET and PUT, whose operand is text: only a decimal number is read as one. */
function recallByLine(listing: Listing): void {
  const { bytes, start, end } = listing.walker
  const index = readMemoIndex(bytes, start, end)
  if (typeof index === "number") listing.stack.recall(index)
  else {
    if (index === undefined) listing.fail()
    listing.stack.push(null)
  }
}

function memoizeByLine(listing: Listing): void {
  const { bytes, start, end } = listing.walker
  const index = readMemoIndex(bytes, start, end)
  if (typeof index === "number") listing.memoize(index)
  else if (index === "unclear") listing.stack.memoizeSomewhere()
  else listing.fail()
}

function persistentId(listing: Listing, isLine: boolean): void {
  if (!isLine) listing.stack.pop()
  if (!listing.hasPersistentIds) listing.fail()
  // Whatever a loader keeps under it.
  listing.stack.push(null)
}

/* @__NO_SIDE_EFFECTS__ */
function extension(opcode: "EXT1" | "EXT2" | "EXT4"): (listing: Listing) => void {
  // Where CPython's copyreg keeps what such a code stands for.
  return (listing) => {
    const code = opcode === "EXT4" ? listing.number | 0 : listing.number
    listing.mention(opcode, "copyreg", `_inverted_registry[${code}]`, false)
  }
}

function stackGlobal(listing: Listing): void {
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
function textOf(listing: Listing, shadow: Shadow): string | null | undefined {
  if (typeof shadow === "number") return listing.textAt(shadow)
  return shadow === undefined ? undefined : null
}

function inst(listing: Listing): void {
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
const FOLLOW_BY_NAME: ReadonlyMap<string, (listing: Listing) => void> = new Map([
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

function declare(listing: Listing): void {
  listing.protocol ??= listing.number
  if (listing.number > HIGHEST_PROTOCOL) listing.fail()
}

const FOLLOW: readonly (((listing: Listing) => void) | undefined)[] = /* @__PURE__ */ (() => {
  const table: (((listing: Listing) => void) | undefined)[] = new Array(256).fill(undefined)
  for (const { code, name } of OPCODES) table[code] = FOLLOW_BY_NAME.get(name)
  return table
})()
