/** Errors that are made in many places, that of a lack of memory among them, and what is closed when work fails. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { foreignReason } from "../errors/error-row.ts"
import { INVALID_ARGUMENT, READ_FAILED, TRUNCATED } from "./errors.ts"

/** What the caller passed as `argument` will not do. */
export function invalidArgument(argument: string, problem: string): CheckpointError<"invalid-argument"> {
  return new CheckpointError(INVALID_ARGUMENT, { argument, problem })
}

/** The source threw `cause`. */
export function readFailed(cause: unknown): CheckpointError<"read-failed"> {
  return new CheckpointError(READ_FAILED, { reason: foreignReason(cause) }, { cause })
}

/** There are `got` bytes at the offset `at` of `within` where `wanted` are needed. */
export function truncated(
  within: string | undefined,
  at: number,
  wanted: number,
  got: number,
): CheckpointError<"truncated"> {
  return new CheckpointError(TRUNCATED, { ...(within === undefined ? {} : { within }), at, wanted, got })
}

/** `byteLength` zeros, where that depends on a file. @throws `read-failed` when the engine has no room for them. */
export function allocate(byteLength: number, within: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength)
  } catch (cause) {
    const reason = `there is no memory for ${byteLength} bytes of ${within}`
    throw new CheckpointError(READ_FAILED, { reason }, { cause })
  }
}

/** What `work` comes to. Where it fails, `close` is called first; what went wrong first is what gets reported. */
export async function closedOnFailure<Result>(
  close: () => Promise<void> | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    await close()?.catch(() => {})
    throw error
  }
}

/** As `closedOnFailure`; where `work` succeeds, `close` is called as well, and has to succeed. */
export async function closedAfter<Result>(
  close: () => Promise<void> | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const result = await closedOnFailure(close, work)
  await close()
  return result
}
