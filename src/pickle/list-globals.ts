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
import { isCheckpointError } from "../errors.ts"
import { FOLLOW } from "./follow-opcodes.ts"
import type { ListingOptions } from "./listing-state.ts"
import { ListingState } from "./listing-state.ts"
import { findMemoReadsSteps } from "./memo-reads.ts"
import type { WalkEnd } from "./opcode-walker.ts"
import { ShadowStack } from "./shadow-stack.ts"

const STOP = 0x2e

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
  const listing = new ListingState(bytes, options, shadows)
  let fault: AnyCheckpointError | undefined
  let some: PickleListing["ended"] | undefined
  try {
    for (some = runSome(listing); some === undefined; some = runSome(listing)) yield
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

/** Follows a step's worth of opcodes. Tells why the listing ended, or nothing when it goes on. */
function runSome(listing: ListingState): "stop" | "told" | WalkEnd | undefined {
  const { walker, stack } = listing
  const enough = walker.position + STEP_BYTES
  for (let left = STEP_ITEMS; left > 0 && walker.position < enough; left--) {
    if (!listing.goesOn) return "told"
    if (!listing.next()) return walker.stopped
    const { code } = walker
    if (stack.move(code)) continue
    if (code === STOP) {
      stack.stop()
      return "stop"
    }
    FOLLOW[code]?.(listing)
  }
  return undefined
}
