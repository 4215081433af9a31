/**
 * Lists every global that a pickle names, without interpreting it: what an audit shows, and what the machine's refusal
 * names. It reads opcodes with the machine's own decoder.
 */

import { atOnce, STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import type { AnyCheckpointError } from "../errors.ts"
import { isCheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import type { DecoderOptions, Operand } from "./decode.ts"
import { GLOBAL_NAME_BYTES, PickleDecoder } from "./decode.ts"
import { findMemoReadsSteps } from "./memo-reads.ts"
import { OPCODES } from "./opcodes.ts"
import type { GlobalMention, Shadow } from "./shadow-stack.ts"
import { ShadowStack } from "./shadow-stack.ts"
import { readRawUnicode, readStringLiteral } from "./text-literals.ts"

/** What to list. */
export interface ListingOptions extends DecoderOptions {
  /** What to call the pickle in messages. */
  readonly within: string
  readonly limits: Limits
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
  /** Whether STOP was reached. */
  readonly complete: boolean
  /** Why it was not. Undefined when `onMention` ended the listing. */
  readonly fault: AnyCheckpointError | undefined
}

/** Lists the globals of the pickle that begins at `options.start` of `bytes`. Throws for no pickle. */
export function listGlobals(bytes: Uint8Array, options: ListingOptions): PickleListing {
  return atOnce(listGlobalsSteps(bytes, options))
}

/** As `listGlobals`, in steps. */
export function* listGlobalsSteps(bytes: Uint8Array, options: ListingOptions): Steps<PickleListing> {
  const stack = new ShadowStack(yield* findMemoReadsSteps(bytes, options.start ?? 0))
  const listing = new Listing(bytes, options, stack)
  let fault: AnyCheckpointError | undefined
  let complete: boolean | undefined
  try {
    for (complete = listing.runSome(); complete === undefined; complete = listing.runSome()) yield
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    fault = error
  }
  const { protocol, opcodeCount, end } = listing
  return { protocol, opcodeCount, end, complete: complete === true, fault }
}

class Listing {
  protocol: number | undefined
  opcodeCount = 0
  end: number
  readonly stack: ShadowStack
  readonly #decoder: PickleDecoder
  readonly #limits: Limits
  readonly #onMention: ListingOptions["onMention"]
  #goesOn = true

  constructor(
    bytes: Uint8Array,
    { within, limits, onMention, start = 0, oddities = "throw" }: ListingOptions,
    stack: ShadowStack,
  ) {
    this.#decoder = new PickleDecoder(bytes, within, limits, { start, oddities })
    this.stack = stack
    this.#limits = limits
    this.#onMention = onMention
    this.end = start
  }

  /** Follows a step's worth of opcodes. True when it came to STOP, false when the listing was ended. */
  runSome(): boolean | undefined {
    const { within } = this.#decoder
    const enough = this.#decoder.position + STEP_BYTES
    for (let left = STEP_ITEMS; left > 0 && this.#decoder.position < enough; left--) {
      if (!this.#goesOn) return false
      const opcode = this.#decoder.next()
      this.opcodeCount += 1
      requireWithin(this.#limits, "maxOpcodes", this.opcodeCount, within)
      this.end = this.#decoder.position
      if (!this.stack.move(opcode)) FOLLOW[opcode.code]?.(this)
      else if (opcode.name === "STOP") return true
      else if (opcode.name === "PROTO") this.protocol ??= this.#decoder.operand as number
    }
    return undefined
  }

  /** The operand of the opcode that is followed. */
  get operand(): Operand {
    return this.#decoder.operand
  }

  memoize(index?: number): void {
    this.stack.memoize(index)
    requireWithin(this.#limits, "maxMemoEntries", this.stack.memoSize, this.#decoder.within)
  }

  /** Takes the callable off, which lies below `given` other operands. */
  use(use: "called" | "instantiated", given: number): void {
    for (let i = 0; i < given; i++) this.stack.pop()
    this.useOf(this.stack.pop(), use)
  }

  useOf(callable: Shadow, use: "called" | "instantiated"): void {
    const { opcode, at } = this.#decoder
    this.stack.call(callable, use, opcode?.name ?? "", at)
  }

  /** GLOBAL and INST. */
  mentionOperand(opcode: "GLOBAL" | "INST"): void {
    this.mention(opcode, this.#decoder.operand as string, this.#decoder.name, true)
  }

  mention(opcode: GlobalMention["opcode"], module: string, name: string, isNamed: boolean): void {
    const { at } = this.#decoder
    const mention: GlobalMention = {
      module: cutName(module),
      name: cutName(name),
      isNamed,
      at,
      opcode,
      use: "mentioned",
      usedBy: undefined,
    }
    const noted = this.#onMention(mention)
    this.stack.push(noted)
    this.#goesOn = noted !== undefined
  }
}

/** Longer than any name that is allowed, and no longer than is worth keeping. */
function cutName(name: string): string {
  return name.length > GLOBAL_NAME_BYTES ? `${name.slice(0, GLOBAL_NAME_BYTES)}…` : name
}

const pushOperand = ({ stack, operand }: Listing): void => stack.push(operand as string | undefined)
const recall = ({ stack, operand }: Listing): void => stack.recall(Number(operand))
const memoize = (listing: Listing): void => listing.memoize(Number(listing.operand))

/* @__NO_SIDE_EFFECTS__ */
function extension(opcode: "EXT1" | "EXT2" | "EXT4"): (listing: Listing) => void {
  // Where CPython's copyreg keeps what such a code stands for.
  return (listing) => listing.mention(opcode, "copyreg", `_inverted_registry[${listing.operand}]`, false)
}

function stackGlobal(listing: Listing): void {
  const name = listing.stack.pop()
  const module = listing.stack.pop()
  if (typeof module === "string" && typeof name === "string")
    listing.mention("STACK_GLOBAL", module, name, true)
  else listing.mention("STACK_GLOBAL", "", "", false)
}

function inst(listing: Listing): void {
  listing.stack.popMark()
  listing.mentionOperand("INST")
  listing.use("instantiated", 0)
}

/** What each opcode does that names, uses or moves what a global may be, in the order of opcodes.ts. */
const FOLLOW_BY_NAME: ReadonlyMap<string, (listing: Listing) => void> = new Map([
  ["STRING", ({ stack, operand }) => stack.push(readStringLiteral(operand as string))],
  ["BINSTRING", pushOperand],
  ["SHORT_BINSTRING", pushOperand],
  ["UNICODE", ({ stack, operand }) => stack.push(readRawUnicode(operand as string))],
  ["SHORT_BINUNICODE", pushOperand],
  ["BINUNICODE", pushOperand],
  ["BINUNICODE8", pushOperand],
  ["POP", ({ stack }) => stack.popOrUnmark()],
  ["DUP", ({ stack }) => stack.duplicate()],
  ["MARK", ({ stack }) => stack.mark()],
  ["GET", recall],
  ["BINGET", recall],
  ["LONG_BINGET", recall],
  ["PUT", memoize],
  ["BINPUT", memoize],
  ["LONG_BINPUT", memoize],
  ["MEMOIZE", (listing) => listing.memoize()],
  ["EXT1", extension("EXT1")],
  ["EXT2", extension("EXT2")],
  ["EXT4", extension("EXT4")],
  ["GLOBAL", (listing) => listing.mentionOperand("GLOBAL")],
  ["STACK_GLOBAL", stackGlobal],
  ["REDUCE", (listing) => listing.use("called", 1)],
  ["INST", inst],
  ["OBJ", (listing) => listing.useOf(listing.stack.popMark(), "instantiated")],
  ["NEWOBJ", (listing) => listing.use("instantiated", 1)],
  ["NEWOBJ_EX", (listing) => listing.use("instantiated", 2)],
])

const FOLLOW: readonly (((listing: Listing) => void) | undefined)[] = /* @__PURE__ */ (() => {
  const table: (((listing: Listing) => void) | undefined)[] = new Array(256).fill(undefined)
  for (const { code, name } of OPCODES) table[code] = FOLLOW_BY_NAME.get(name)
  return table
})()
