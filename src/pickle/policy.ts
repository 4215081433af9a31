/** The questions that the machine asks. Who answers them decides what a pickle can make; the machine only moves values. */

import type { PickleObject, PickleTuple, PickleValue } from "./values.ts"

/** An object of a policy that is a tensor, and what it was made from where that may be of interest. */
export interface MadeTensor {
  /** What it is, where it is none of the usual kind. */
  readonly what: string | undefined
  readonly parts: readonly PickleValue[]
}

/**
 * Decides what globals mean and what calls make.
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
