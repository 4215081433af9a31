/** The stack, marks and memo of the machine, with every access checked. Opcode handlers work on this. */

import type { Steps } from "../bytes/turns.ts"
import type { AnyFaultRow } from "../errors/all-errors.ts"
import type { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import type { PickleDecoder } from "./decode.ts"
import { PICKLE_MEMO, PICKLE_PROTOCOL, PICKLE_STACK, PICKLE_TYPE } from "./errors.ts"
import type { Memo } from "./memo.ts"
import { ENTRY_BYTES, MEMO_ENTRY_BYTES, type MemoryBudget } from "./memory-budget.ts"
import { prepareKey } from "./tuple-keys.ts"
import { type PickleObject, type PickleTuple, type PickleValue, RefusedReference } from "./values.ts"

const LOWEST_PROTOCOL = 2
const HIGHEST_PROTOCOL = 5

/** Refused globals after which a pickle is not interpreted further. Whole models name some hundreds. */
export const MOST_REFUSED = 10_000

/** An object of a policy that is a tensor, and what it was made from where that may be of interest. */
export interface MadeTensor {
  /** What it is, where it is none of the usual kind. */
  readonly what: string | undefined
  readonly parts: readonly PickleValue[]
}

/**
 * The questions that the machine asks. Who answers them decides what globals mean and what calls make; the machine only
 * moves values.
 *
 * Every method gets `at`, the byte offset of the opcode that asks, for its errors. None of them may do more than
 * build values.
 */
export interface PicklePolicy {
  /** What a global stands for, or undefined when it is not on the list: it is then refused. */
  resolveGlobal(module: string, name: string): PickleObject | undefined
  /** The value of REDUCE, or of NEWOBJ when `instantiate` is set. */
  call(callable: PickleValue, args: PickleTuple, at: number, instantiate: boolean): PickleValue
  /** BUILD: hands `state` to `target`. */
  build(target: PickleValue, state: PickleValue, at: number): void
  /** BINPERSID: what a persistent id stands for. */
  persistentLoad(id: PickleValue, at: number): PickleValue
  /** For refusals, which say what tensors they concern. Undefined for what is no tensor. */
  describeTensor?(object: PickleObject): MadeTensor | undefined
}

/** What one pickle has built so far. */
export class MachineState {
  readonly decoder: PickleDecoder
  readonly policy: PicklePolicy
  readonly limits: Limits
  /** What making values is charged to. */
  readonly memory: MemoryBudget
  /** Globals that the policy did not know, in the order in which the pickle names them. */
  readonly refused: RefusedReference[] = []
  /** What is left to do of an opcode that deals with very many items, before the next one. */
  unfinished: Steps<void> | undefined
  readonly #stack: PickleValue[] = []
  /** Stack heights at which marks stand. */
  readonly #marks: number[] = []
  /** The height below which nothing may be popped: the last mark's, or 0. */
  #floor = 0
  readonly #memo: Memo<PickleValue>
  #protocol: number | undefined

  constructor(
    decoder: PickleDecoder,
    policy: PicklePolicy,
    limits: Limits,
    { memo, memory }: { readonly memo: Memo<PickleValue>; readonly memory: MemoryBudget },
  ) {
    this.#memo = memo
    this.memory = memory
    this.decoder = decoder
    this.policy = policy
    this.limits = limits
  }

  /** The declared protocol; undefined until PROTO. */
  get protocol(): number | undefined {
    return this.#protocol
  }

  /** Everything built so far that has not been used up. */
  get values(): readonly PickleValue[] {
    return this.#stack
  }

  push(value: PickleValue): void {
    this.#stack.push(value)
  }

  /** The topmost value above the last mark. */
  pop(): PickleValue {
    const value = this.peek()
    this.#stack.pop()
    return value
  }

  /** As `pop`, but the value stays. */
  peek(): PickleValue {
    const top = this.#stack.length - 1
    if (top < this.#floor) {
      throw this.fault(PICKLE_STACK, `${this.opcodeName} needs a value and the stack has none`)
    }
    return this.#stack[top] as PickleValue
  }

  mark(): void {
    this.#floor = this.#stack.length
    this.#marks.push(this.#floor)
  }

  /** The values above the last mark, which is removed. */
  popMark(): PickleValue[] {
    const height = this.#marks.pop()
    if (height === undefined) {
      throw this.fault(PICKLE_STACK, `${this.opcodeName} needs a MARK and there is none`)
    }
    this.#floor = this.#marks.at(-1) ?? 0
    return this.#stack.splice(height)
  }

  memoize(index: number): void {
    if (this.#memo.set(index, this.peek())) this.memory.taken += MEMO_ENTRY_BYTES
    const { size } = this.#memo
    if (size > this.limits.maxMemoEntries)
      requireWithin(this.limits, "maxMemoEntries", size, this.decoder.within)
  }

  /** MEMOIZE numbers entries by how many there are. */
  memoizeNext(): void {
    this.memoize(this.#memo.size)
  }

  recall(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) throw this.fault(PICKLE_MEMO, `memo entry ${index} was never stored`)
    this.push(value)
  }

  /** Charges `count` entries for a dict that has `size`, before they are made. */
  makeEntries(count: number, size: number): void {
    this.memory.take(count * ENTRY_BYTES, this.decoder.within)
    const { maxNodes } = this.limits
    if (size + count > maxNodes) requireWithin(this.limits, "maxNodes", size + count, this.decoder.within)
  }

  /** `values`, of which each `step`th is a key. */
  prepareKeys<Values extends readonly PickleValue[]>(values: Values, step: 1 | 2): Values {
    for (let i = 0; i < values.length; i += step) {
      const key = values[i] as PickleValue
      const unhashable = typeof key === "object" ? prepareKey(key, this.memory) : undefined
      if (unhashable !== undefined)
        throw this.fault(PICKLE_TYPE, `a key is, or holds, ${unhashable}, which Python cannot hash`)
    }
    return values
  }

  /** Notes a global that the policy does not know, and pushes what stands for it. */
  refuse(module: string, name: string): void {
    const reference = new RefusedReference(module, name, this.decoder.at)
    this.refused.push(reference)
    this.push(reference)
    if (this.refused.length >= MOST_REFUSED) {
      throw this.fault(PICKLE_TYPE, `the pickle names ${MOST_REFUSED} globals that are refused, or more`)
    }
  }

  declareProtocol(protocol: number): void {
    if (this.#protocol !== undefined) {
      throw this.fault(PICKLE_PROTOCOL, "the protocol is declared a second time")
    }
    if (protocol < LOWEST_PROTOCOL || protocol > HIGHEST_PROTOCOL) {
      const range = `${LOWEST_PROTOCOL} to ${HIGHEST_PROTOCOL}`
      throw this.fault(PICKLE_PROTOCOL, `pickle protocol ${protocol} is none of ${range}`)
    }
    this.#protocol = protocol
  }

  get opcodeName(): string {
    return this.decoder.opcode?.name ?? "the pickle"
  }

  fault(row: AnyFaultRow, problem: string): CheckpointError {
    return this.decoder.fault(row, problem)
  }

  /** STOP: the one value that must be left. */
  finish(): PickleValue {
    this.decoder.requireFrames()
    if (this.#marks.length > 0 || this.#stack.length !== 1) {
      const left = `${this.#stack.length} values and ${this.#marks.length} open marks`
      throw this.fault(PICKLE_STACK, `the pickle stops with ${left}; it must leave one value`)
    }
    return this.pop()
  }
}
