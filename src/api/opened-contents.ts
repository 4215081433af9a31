/** What was read of a checkpoint while its source is held: all that a conversion needs of it. */

import { withKnowledge } from "../audit/danger-first.ts"
import { explained, requireUnchanged } from "../bytes/read-exactly.ts"
import { inTurns, turnIfDue } from "../bytes/turns.ts"
import { withLimits } from "../limits.ts"
import type { ConversionPlan } from "../plan/conversion-plan.ts"
import type { PlanBounds } from "../plan/plan-conversion.ts"
import { planConversion, planConversionSteps } from "../plan/plan-conversion.ts"
import type { PlanOptions } from "../plan/plan-options.ts"
import type { CheckpointContents } from "../torch/checkpoint-contents.ts"
import { readCheckpoint } from "../torch/read-checkpoint.ts"
import type { RunOptions } from "../transfer/run-plan.ts"
import { requireOptions } from "./check-options.ts"
import type { OpenedInput } from "./inputs.ts"
import type { OpenOptions } from "./options.ts"
import type { InputRequest, Platform } from "./platform.ts"

/** What the platform does faster than portable code. */
export type Codecs = Pick<RunOptions, "crc32" | "inflate">

/** A checkpoint whose everything but the weights has been read. Whoever has it closes the input. */
export interface OpenedContents {
  readonly input: OpenedInput
  readonly contents: CheckpointContents
  readonly bounds: PlanBounds
}

/** Opens `input` and reads everything but the weights. */
export async function openContents<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: OpenOptions & InputRequest,
): Promise<OpenedContents> {
  requireOptions(options)
  options.signal?.throwIfAborted()
  const opened = await platform.openInput(input, options)
  try {
    // Many small ones at once hold the loop as well.
    await turnIfDue(options.signal)
    const contents = await readContents(opened, options, platform)
    // What was parsed must be what had that digest.
    if (options.sha256 !== undefined) await opened.source.assertUnchanged?.()
    return contents
  } catch (error) {
    // What went wrong first is what gets reported.
    await opened.close().catch(() => {})
    throw error
  }
}

async function readContents(
  input: OpenedInput,
  { limits: overrides, signal, byteOrder }: OpenOptions,
  { crc32, inflate }: Codecs,
): Promise<OpenedContents> {
  const limits = withLimits(overrides)
  const { source } = input
  try {
    const contents = await readCheckpoint(source, { limits, crc32, inflate, signal, byteOrder })
    // What was read so far must be of one and the same file.
    await requireUnchanged(source, signal)
    return { input, contents, bounds: { limits, inputByteLength: source.byteLength } }
  } catch (error) {
    throw await explained(await withKnowledge(error), source, signal)
  }
}

/** What converting it would do. Reads nothing. The event loop does not turn meanwhile. */
export function planContents({ contents, bounds }: OpenedContents, options: PlanOptions): ConversionPlan {
  requireOptions(options)
  return planConversion(contents, options, bounds)
}

/** As `planContents`, while the event loop turns. */
export async function planContentsInTurns(
  { contents, bounds }: OpenedContents,
  options: PlanOptions & { readonly signal?: AbortSignal | undefined },
): Promise<ConversionPlan> {
  requireOptions(options)
  return await inTurns(planConversionSteps(contents, options, bounds), options.signal)
}
