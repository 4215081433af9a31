/** What a listing of globals knows while it goes over a pickle; list-globals.ts goes. */

import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { MEMO_ENTRY_BYTES, MemoryBudget } from "./memory-budget.ts"
import { OpcodeWalker } from "./opcode-walker.ts"
import { OPCODE_BY_BYTE, type OpcodeInfo } from "./opcodes.ts"
import type { GlobalMention, SymbolicStack, SymbolicValue } from "./symbolic-stack.ts"
import { latin1Name, PushedNames, readNameLine } from "./text-literals.ts"

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

/** What a listing knows while it goes over a pickle. */
export class Listing {
  readonly walker: OpcodeWalker
  readonly stack: SymbolicStack
  readonly #options: ListingOptions
  readonly #limits: Limits
  readonly #within: string
  readonly #budget: ListingBudget
  readonly hasPersistentIds: boolean
  protocol: number | undefined
  opcodeCount = 0
  end: number
  goesOn = true
  #hasMentionedFrame = false
  readonly #names: PushedNames

  constructor(bytes: Uint8Array, options: ListingOptions, stack: SymbolicStack) {
    const { limits, start = 0, isWhole = true, hasPersistentIds = true } = options
    this.walker = new OpcodeWalker(bytes, start, isWhole)
    this.#names = new PushedNames(bytes)
    this.stack = stack
    this.#options = options
    this.#limits = limits
    this.#within = options.within
    this.hasPersistentIds = hasPersistentIds
    this.end = start
    this.#budget = options.budget ?? { opcodes: 0, memory: MemoryBudget.of(limits, bytes.byteLength) }
  }

  /** @throws `limit-exceeded`. */
  count({ listingCost }: OpcodeInfo): void {
    const budget = this.#budget
    const { memory } = budget
    this.opcodeCount += 1
    budget.opcodes += 1
    if (budget.opcodes > this.#limits.maxOpcodes)
      requireWithin(this.#limits, "maxOpcodes", budget.opcodes, this.#within)
    memory.taken += listingCost
    if (memory.taken > memory.allowed) throw memory.refusal(this.#within)
    this.end = this.walker.position
    if (!this.walker.crossesFrame) return
    // Once a pickle: from here on nothing is certain, but all is listed as it stands.
    this.walker.crossesFrame = false
    if (!this.#hasMentionedFrame) this.#note("FRAME", "", "", false)
    this.#hasMentionedFrame = true
  }

  failUnless(holds: boolean): void {
    if (!holds) this.stack.hasFailed = true
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

  useOf(callable: SymbolicValue, use: "called" | "instantiated"): void {
    const { code, at } = this.walker
    this.stack.call(callable, use, OPCODE_BY_BYTE[code]?.name ?? "", at)
  }

  /** Undefined for what is no text, null for what only Python could tell. */
  textOf(value: SymbolicValue): string | null | undefined {
    if (typeof value !== "number") return value === undefined ? undefined : null
    return this.#names.at(value)
  }

  /** GLOBAL and INST. Where a line cannot be decoded Python fails before it looks anything up. */
  mentionLines(opcode: "GLOBAL" | "INST"): void {
    const { bytes, start, end, nameStart, nameEnd } = this.walker
    const module = readNameLine(bytes, start, end, opcode === "INST")
    const name = readNameLine(bytes, nameStart, nameEnd, opcode === "INST")
    this.failUnless(module !== undefined && name !== undefined)
    // For whoever reads the list: byte for byte.
    const shown = (from: number, to: number): string => latin1Name(bytes, from, to)
    this.mention(opcode, module ?? shown(start, end), name ?? shown(nameStart, nameEnd), true)
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
    const mention = { module, name, isNamed, isReached, at, opcode, use, usedBy: undefined } as const
    const noted = this.#options.onMention(mention)
    if (noted === undefined) this.goesOn = false
    return noted
  }
}
