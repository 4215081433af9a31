/**
 * What a pickle does to the stack, as far as it concerns globals: where the names of STACK_GLOBAL come from, and what
 * a global that was named is used for. Follows every opcode, those that the machine refuses too, and stops at none: it
 * notes when every unpickler of CPython has failed for certain, and what is missing counts as something unknown.
 */

import { Memo } from "./memo.ts"
import type { OpcodeInfo } from "./opcodes.ts"

/** One opcode that names a global, and the most that becomes of what it names. */
export interface GlobalMention {
  readonly module: string
  readonly name: string
  /** False where only Python could tell the name: module and name then say what is known, or are empty. */
  readonly isNamed: boolean
  /** False where every unpickler has failed before it looks the global up. */
  readonly isReached: boolean
  /** Byte offset of the opcode. */
  readonly at: number
  /** FRAME where an opcode reaches over the end of a frame: unpicklers then go on with different bytes. */
  readonly opcode: "GLOBAL" | "STACK_GLOBAL" | "INST" | "EXT1" | "EXT2" | "EXT4" | "FRAME"
  use: "mentioned" | "instantiated" | "called"
  /** The opcode that first uses it so. */
  usedBy: { readonly opcode: string; readonly at: number } | undefined
}

/** What to call it: module and name, as the pickle writes them. */
export function globalOf({
  module,
  name,
  isNamed,
}: Pick<GlobalMention, "module" | "name" | "isNamed">): string {
  return isNamed || module !== "" ? `${module}.${name}` : UNTOLD
}

const UNTOLD = "(a name that only Python can tell)"

/** What calling a global would make: calling that again is a use of the global. */
class Made {
  readonly of: GlobalMention

  constructor(of: GlobalMention) {
    this.of = of
  }
}

/**
 * The byte offset of an opcode that pushes text, a global, what was made of one, null for what may be anything; undefined
 * for what is none of these for certain: a number, a container.
 */
export type SymbolicValue = number | GlobalMention | Made | null | undefined

/** The stack, the marks and the memo. */
export class SymbolicStack {
  /** Whether every unpickler of CPython has failed by now, for want of a value, a mark, or something that can be called. */
  hasFailed = false
  /** Whether an opcode that is reached does something with a global: calls it, sets its state or its items. */
  hasActed = false
  readonly #values: SymbolicValue[] = []
  readonly #marks: number[] = []
  readonly #memo: Memo<SymbolicValue>
  /** Whether an entry was stored that only Python could tell. */
  #isMemoUnknown = false

  /** `reads` are the memo entries that the pickle reads; undefined when all may be. */
  constructor(reads: ReadonlySet<number> | undefined) {
    this.#memo = new Memo(reads)
  }

  /** Entries of the memo, for a limit. */
  get memoSize(): number {
    return this.#memo.size
  }

  push(value: SymbolicValue): void {
    this.#values.push(value)
  }

  /** The topmost value. Takes no heed of marks, as CPython's unpickler in C did before version 3.7. */
  pop(): SymbolicValue {
    if (this.#values.length > 0) return this.#values.pop()
    this.hasFailed = true
    return null
  }

  /** The lowest value above the last mark; all of them are taken off, and the mark. */
  popMark(): SymbolicValue {
    const height = this.#marks.pop()
    if (height === undefined) this.hasFailed = true
    const lowest = this.#values[height ?? 0]
    if ((height ?? 0) < this.#values.length) this.#values.length = height ?? 0
    return lowest
  }

  /** POP takes the mark off where nothing stands above it. */
  popOrUnmark(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop()
    else this.pop()
  }

  /** STOP takes the topmost value for what the pickle holds. */
  requireValue(): void {
    this.#peek()
  }

  duplicate(): void {
    this.#values.push(this.#peek())
  }

  /** Whether it took memory. */
  memoize(index: number = this.#memo.size): boolean {
    return this.#memo.set(index, this.#peek())
  }

  /** An entry was stored, under a number that is not known: from now on each may be another. */
  memoizeSomewhere(): void {
    this.#peek()
    this.#isMemoUnknown = true
  }

  recall(index: number): void {
    if (this.#isMemoUnknown) this.push(null)
    else if (this.#memo.has(index)) this.push(this.#memo.get(index))
    else {
      this.hasFailed = true
      this.push(null)
    }
  }

  /** Takes a callable off and leaves what it would have made. */
  call(callable: SymbolicValue, use: "called" | "instantiated", opcode: string, at: number): void {
    const mention = callable instanceof Made ? callable.of : callable
    if (typeof mention !== "object" || mention === null) {
      // Text, numbers and containers cannot be called.
      if (mention !== null) this.hasFailed = true
      this.push(null)
      return
    }
    if (mention.use === "mentioned" || (mention.use === "instantiated" && use === "called")) {
      mention.use = use
      mention.usedBy = { opcode, at }
    }
    this.#act()
    this.push(callable instanceof Made ? callable : new Made(mention))
  }

  /** Follows the opcode at `at` as far as its row says what it does. False when it does more than that. */
  move({ takes, leaves }: OpcodeInfo, at: number): boolean {
    if (leaves === undefined || leaves === "global") return false
    if (takes === "mark") this.popMark()
    else for (let i = takes; i > 0; i--) this.pop()
    if (leaves === "value") this.#values.push(undefined)
    else if (leaves === "text") this.#values.push(at)
    else if (leaves === "mark") this.#marks.push(this.#values.length)
    else if (leaves === "changed" && isOfGlobal(this.#peek())) this.#act()
    return true
  }

  #peek(): SymbolicValue {
    if (this.#values.length > 0) return this.#values.at(-1)
    this.hasFailed = true
    return null
  }

  #act(): void {
    if (!this.hasFailed) this.hasActed = true
  }
}

function isOfGlobal(value: SymbolicValue): boolean {
  return typeof value === "object" && value !== null
}
