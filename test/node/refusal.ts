/** Awaits the error of a call that must fail. */

import type { AnyCheckpointError } from "../../src/node/index.ts"
import { isCheckpointError } from "../../src/node/index.ts"

/** The error that `work` is refused with; anything else fails the test. */
export async function refusal(work: Promise<unknown>): Promise<AnyCheckpointError> {
  const error: unknown = await work.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  )
  if (!isCheckpointError(error)) throw error
  return error
}
