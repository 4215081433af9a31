/**
 * What a pickle does to the stack, as far as it concerns globals: where the names of STACK_GLOBAL come from, and what
 * a global that was named is used for. Follows every opcode, those that the machine refuses too, and fails on none:
 * what is missing from the stack counts as something unknown.
 */

import { Memo } from "./memo.ts"
import type { OpcodeInfo } from "./opcodes.ts"
import { OPCODES } from "./opcodes.ts"

/** One opcode that names a global, and the most that becomes of what it names. */
export interface GlobalMention {
  readonly module: string
  readonly name: string
  /** False where only Python could tell the name: module and name then say what is known, or are empty. */
  readonly isNamed: boolean
  /** Byte offset of the opcode. */
  readonly at: number
  readonly opcode: "GLOBAL" | "STACK_GLOBAL" | "INST" | "EXT1" | "EXT2" | "EXT4"
  use: "mentioned" | "instantiated" | "called"
  /** The opcode that first uses it so. */
  usedBy: { readonly opcode: string; readonly at: number } | undefined
}

/** What calling a global would make: calling that again is a use of the global. */
class Made {
  readonly of: GlobalMention

  constructor(of: GlobalMention) {
    this.of = of
  }
}

/** Text, a global, what was made of one; undefined for everything else. */
export type Shadow = string | GlobalMention | Made | undefined

/** Values that an opcode takes off, whether it takes all above the last mark, and whether it leaves one. */
interface Effect {
  readonly pops: number
  readonly toMark: boolean
  readonly pushes: boolean
}

const PUSHES = "push"
/** Opcodes that move values about and look at none, in the order of opcodes.ts. */
const EFFECTS: ReadonlyMap<string, Effect> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ (
    [
      [PUSHES, 0, ["INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"]],
      [PUSHES, 0, ["BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "NEXT_BUFFER"]],
      [PUSHES, 0, ["NONE", "NEWTRUE", "NEWFALSE", "EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_DICT", "EMPTY_SET"]],
      [PUSHES, 0, ["PERSID"]],
      [PUSHES, 1, ["TUPLE1", "BINPERSID"]],
      [PUSHES, 2, ["TUPLE2"]],
      [PUSHES, 3, ["TUPLE3"]],
      [PUSHES, "mark", ["LIST", "TUPLE", "DICT", "FROZENSET"]],
      ["leave", 1, ["APPEND", "BUILD"]],
      ["leave", 2, ["SETITEM"]],
      ["leave", "mark", ["APPENDS", "SETITEMS", "ADDITEMS", "POP_MARK"]],
      ["leave", 0, ["READONLY_BUFFER", "PROTO", "STOP", "FRAME"]],
    ] as const
  ).flatMap(([does, takes, names]) =>
    names.map((name): [string, Effect] => [
      name,
      { pops: takes === "mark" ? 0 : takes, toMark: takes === "mark", pushes: does === PUSHES },
    ]),
  ),
)

const EFFECT_BY_BYTE: readonly (Effect | undefined)[] = /* @__PURE__ */ (() => {
  const table: (Effect | undefined)[] = new Array(256).fill(undefined)
  for (const { code, name } of OPCODES) table[code] = EFFECTS.get(name)
  return table
})()

/** The stack, the marks and the memo. */
export class ShadowStack {
  readonly #values: Shadow[] = []
  readonly #marks: number[] = []
  readonly #memo: Memo<Shadow>

  /** `reads` are the memo entries that the pickle reads; undefined when all may be. */
  constructor(reads: ReadonlySet<number> | undefined) {
    this.#memo = new Memo(reads)
  }

  /** Entries of the memo, for a limit. */
  get memoSize(): number {
    return this.#memo.size
  }

  push(value: Shadow): void {
    this.#values.push(value)
  }

  /** The topmost value. Takes no heed of marks, as CPython's unpickler in C does where it can. */
  pop(): Shadow {
    return this.#values.pop()
  }

  mark(): void {
    this.#marks.push(this.#values.length)
  }

  /** The lowest value above the last mark; all of them are taken off, and the mark. */
  popMark(): Shadow {
    const height = this.#marks.pop() ?? 0
    const lowest = this.#values[height]
    if (height < this.#values.length) this.#values.length = height
    return lowest
  }

  /** POP takes the mark off where nothing stands above it. */
  popOrUnmark(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop()
    else this.#values.pop()
  }

  duplicate(): void {
    this.#values.push(this.#values.at(-1))
  }

  memoize(index: number = this.#memo.size): void {
    this.#memo.set(index, this.#values.at(-1))
  }

  recall(index: number): void {
    this.#values.push(this.#memo.get(index))
  }

  /** Takes a callable off and leaves what it would have made. */
  call(callable: Shadow, use: "called" | "instantiated", opcode: string, at: number): void {
    const mention = callable instanceof Made ? callable.of : callable
    if (typeof mention !== "object") {
      this.push(undefined)
      return
    }
    if (mention.use === "mentioned" || (mention.use === "instantiated" && use === "called")) {
      mention.use = use
      mention.usedBy = { opcode, at }
    }
    this.push(callable instanceof Made ? callable : new Made(mention))
  }

  /** Follows an opcode that only moves values. False when `opcode` does more than that. */
  move({ code }: OpcodeInfo): boolean {
    const effect = EFFECT_BY_BYTE[code]
    if (effect === undefined) return false
    if (effect.toMark) this.popMark()
    for (let i = 0; i < effect.pops; i++) this.#values.pop()
    if (effect.pushes) this.#values.push(undefined)
    return true
  }
}
