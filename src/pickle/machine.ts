/**
 * The restricted machine: interprets the data opcodes of protocols 2 to 5 and asks a policy about everything else.
 *
 * It never runs anything. A global that the policy does not know becomes an inert reference, and what "calling" it
 * would have made becomes an inert object, so that one pass finds every such global; `runPickleSteps` then throws one
 * error that names them all. Semantics follow CPython's `pickle.py` (class _Unpickler), except that every pop is
 * checked for type, that exactly one value and no open mark may be left, and that PROTO comes first and once.
 */

import { STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { quoteText } from "../text/quote-text.ts"
import { PickleDecoder } from "./decode.ts"
import { GLOBAL_NOT_ALLOWED, PICKLE_OPCODE, PICKLE_PROTOCOL } from "./errors.ts"
import { HANDLERS } from "./handlers.ts"
import { MachineState, type PicklePolicy } from "./machine-state.ts"
import { findMemoReadsSteps, Memo } from "./memo.ts"
import { MemoryBudget } from "./memory-budget.ts"
import type { OpcodeInfo } from "./opcodes.ts"
import { refusedGlobalsSteps } from "./refused-globals.ts"
import type { PickleValue } from "./values.ts"

/** Opcodes and memory used so far; shared by the pickles of one file so that many small ones cost no more than one large. */
export interface PickleBudget {
  opcodes: number
  /** Default: one that this pickle's length allows. */
  readonly memory?: MemoryBudget
}

/** What `runPickleSteps` needs besides the bytes. */
export interface PickleRun {
  /** What to call the pickle in messages, such as `archive/data.pkl`. */
  readonly within: string
  readonly policy: PicklePolicy
  readonly limits: Limits
  readonly budget: PickleBudget
  /** Byte offset in `bytes` where the pickle begins. Default 0. */
  readonly start?: number
}

/** An interpreted pickle, and the offset of the byte after its STOP. */
export interface PickleResult {
  readonly value: PickleValue
  readonly end: number
}

/**
 * Interprets the pickle that begins at `run.start` of `bytes`.
 *
 * @throws `global-not-allowed` with every refused global (the first 10,000), whatever else is wrong with the pickle;
 *   otherwise one of the `pickle-*` codes, `limit-exceeded`, or what the policy throws.
 */
export function* runPickleSteps(bytes: Uint8Array, run: PickleRun): Steps<PickleResult> {
  const { within, limits, start = 0 } = run
  const decoder = new PickleDecoder(bytes, within, limits, start)
  const memo = new Memo<PickleValue>(yield* findMemoReadsSteps(bytes, start))
  const memory = run.budget.memory ?? MemoryBudget.of(limits, bytes.byteLength)
  const state = new MachineState(decoder, run.policy, limits, { memo, memory })
  let value: PickleValue
  try {
    value = yield* interpret(state, run.budget)
  } catch (cause) {
    // What goes on without end is not gone through a second time.
    if (state.refused.length === 0 && isCheckpointError(cause) && cause.code === "limit-exceeded") throw cause
    const globals = yield* refusedGlobalsSteps({ state, bytes, start, roots: state.values })
    if (globals.length === 0) throw cause
    throw new CheckpointError(GLOBAL_NOT_ALLOWED, { globals }, { cause })
  }
  if (state.refused.length > 0) {
    const globals = yield* refusedGlobalsSteps({ state, bytes, start, roots: [value] })
    throw new CheckpointError(GLOBAL_NOT_ALLOWED, { globals })
  }
  return { value, end: decoder.position }
}

/** Named, because torch.save can be made to write protocol 1; what it writes by default has always had PROTO. */
const NO_PROTOCOL =
  "the pickle does not begin with its protocol: if it is whole, it is of protocol 0 or 1, and 2 to 5 are read"

function* interpret(state: MachineState, budget: PickleBudget): Steps<PickleValue> {
  while (!interpretSome(state, budget)) {
    const { unfinished } = state
    if (unfinished !== undefined) yield* unfinished
    state.unfinished = undefined
    yield
  }
  return state.finish()
}

/** Interprets a step's worth of opcodes, or up to one that leaves work unfinished. True when it came to STOP. */
function interpretSome(state: MachineState, budget: PickleBudget): boolean {
  const { decoder, limits, memory } = state
  const enough = decoder.position + STEP_BYTES
  for (let left = STEP_ITEMS; left > 0 && decoder.position < enough; left--) {
    const opcode = decoder.next()
    budget.opcodes += 1
    if (budget.opcodes > limits.maxOpcodes)
      requireWithin(limits, "maxOpcodes", budget.opcodes, decoder.within)
    const handle = HANDLERS[opcode.code]
    if (handle === undefined) throw state.fault(PICKLE_OPCODE, notAccepted(opcode, decoder))
    if (state.protocol === undefined) {
      if (opcode.name !== "PROTO") {
        throw state.fault(PICKLE_PROTOCOL, NO_PROTOCOL)
      }
    } else if (opcode.protocol > state.protocol) {
      const problem = `${opcode.name} came with protocol ${opcode.protocol}, the pickle declares ${state.protocol}`
      throw state.fault(PICKLE_OPCODE, problem)
    }
    if (opcode.name === "STOP") return true
    memory.taken += opcode.cost
    if (memory.taken > memory.allowed) throw memory.refusal(decoder.within)
    handle(state)
    if (state.unfinished !== undefined) return false
  }
  return false
}

/** INST names a class, which its reader wants to know. */
function notAccepted({ name, operand }: OpcodeInfo, decoder: PickleDecoder): string {
  const names = operand === "two-names" ? `; it names ${quoteText(`${decoder.operand}.${decoder.name}`)}` : ""
  return `the opcode ${name} is not accepted${names}`
}
