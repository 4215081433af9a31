/** What a listing of globals knows while it goes over a pickle. */

import { requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { MemoryBudget } from "./memory-budget.ts"
import { LISTING_COSTS, MEMO_ENTRY_BYTES } from "./memory-costs.ts"
import { OpcodeWalker } from "./opcode-walker.ts"
import { OPCODE_BY_BYTE } from "./opcodes.ts"
import type { GlobalMention, Shadow, ShadowStack } from "./shadow-stack.ts"
import { latin1Name, readName, readNameLine } from "./text-literals.ts"

const MOST_TEXTS = 64

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

/** The stack, the place and the budget of one listing; what opcodes do to it is in follow-opcodes.ts. */
export class ListingState {
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
  goesOn = true
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

  /** Steps to the next opcode and counts it. False when there is none. @throws `limit-exceeded`. */
  next(): boolean {
    const budget = this.#budget
    const { memory } = budget
    if (!this.walker.next()) return false
    this.opcodeCount += 1
    budget.opcodes += 1
    if (budget.opcodes > this.#limits.maxOpcodes)
      requireWithin(this.#limits, "maxOpcodes", budget.opcodes, this.#within)
    memory.taken += LISTING_COSTS[this.walker.code] as number
    if (memory.taken > memory.allowed) throw memory.refusal(this.#within)
    this.end = this.walker.position
    if (this.walker.crossesFrame) this.#mentionFrame()
    return true
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
    // For whoever reads the list: byte for byte.
    const shown = (from: number, to: number): string => latin1Name(bytes, from, to)
    this.mention(opcode, module ?? shown(start, end), name ?? shown(nameStart, nameEnd), true)
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
    if (noted === undefined) this.goesOn = false
    return noted
  }
}
