/**
 * Completes the error of a file that names globals which are not allowed. The machine that throws it cannot wait, and what
 * is known of globals is loaded only when it is needed.
 */

import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import { GLOBAL_NOT_ALLOWED, NEXT_AT_DANGER, NEXT_AT_PARTS } from "../pickle/errors.ts"

/** Asked for once: a scan of many files asks for each. */
let loading: Promise<typeof import("./known-dangers.ts")> | undefined

/** What is known of globals, loaded when it is needed: most files name none that is not allowed. */
export function loadKnowledge(): Promise<typeof import("./known-dangers.ts")> {
  loading ??= import("./known-dangers.ts").catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

/** `error`, which tells of each refused global what is known of it, dangerous ones first. Any other error as it is. */
export async function withKnowledge(error: unknown): Promise<unknown> {
  if (!isCheckpointError(error) || error.code !== "global-not-allowed") return error
  const { knowledgeOf } = await loadKnowledge()
  const all = error.detail.globals.map((global) => ({
    ...global,
    ...knowledgeOf(global.module, global.name),
  }))
  const dangerous = all.filter(({ verdict }) => verdict === "dangerous")
  const globals = [...dangerous, ...all.filter(({ verdict }) => verdict !== "dangerous")]
  const areParts = all.every(({ partOf }) => partOf !== undefined)
  const nextStep = dangerous.length > 0 ? NEXT_AT_DANGER : areParts ? NEXT_AT_PARTS : undefined
  return new CheckpointError(GLOBAL_NOT_ALLOWED, { globals }, { cause: error.cause, nextStep })
}
