/** Finds where a pickle ends without interpreting it: layouts that string pickles together need to know. */

import { atOnce, STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { isCheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { PickleDecoder } from "./decode.ts"

/**
 * The offset after the STOP of the pickle that begins at `start`, or undefined when `bytes` end before it does.
 *
 * @throws what the decoder throws for a pickle that is broken before its end, and `limit-exceeded` for `maxOpcodes`.
 */
export function findPickleEnd(
  bytes: Uint8Array,
  start: number,
  within: string,
  limits: Limits,
): number | undefined {
  return atOnce(findPickleEndSteps(bytes, start, within, limits))
}

/** As `findPickleEnd`, in steps. */
export function* findPickleEndSteps(
  bytes: Uint8Array,
  start: number,
  within: string,
  limits: Limits,
): Steps<number | undefined> {
  const decoder = new PickleDecoder(bytes, within, limits, { start })
  let paused = start
  try {
    for (let opcodes = 1; ; opcodes++) {
      if (decoder.next().name === "STOP") return decoder.position
      if (opcodes >= limits.maxOpcodes) requireWithin(limits, "maxOpcodes", opcodes + 1, within)
      if (opcodes % STEP_ITEMS !== 0 && decoder.position - paused < STEP_BYTES) continue
      paused = decoder.position
      yield
    }
  } catch (error) {
    if (isCheckpointError(error) && error.code === "pickle-truncated") return undefined
    throw error
  }
}
