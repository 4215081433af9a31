/** Inputs that are held open, and what was read of a checkpoint: all that a conversion needs of it. */

import { withKnowledge } from "../audit/global-table.ts"
import { closedOnFailure } from "../bytes/failures.ts"
import { explained, requireUnchanged } from "../bytes/read-exactly.ts"
import { storeOfOne } from "../bytes/source-store.ts"
import { inTurns, type Steps, turnIfDue } from "../bytes/turns.ts"
import {
  type PlannedConversion,
  type PlanOptions,
  planConversionSteps,
} from "../checkpoint/plan-checkpoint.ts"
import { decoded, urlOf } from "../http/http-options.ts"
import { readCheckpoint } from "../layouts/table.ts"
import { withLimits } from "../limits/limits.ts"
import type { PlanBounds } from "../plan/plan.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import type { CheckpointContents } from "../torch/checkpoint-contents.ts"
import type { RunOptions } from "../transfer/run-plan.ts"
import { type OpenOptions, requireOptions } from "./options.ts"
import type { InputRequest, Platform } from "./platform.ts"

/** What the platform does faster than portable code. */
export type Codecs = Pick<RunOptions, "crc32" | "inflate">

/** An input that is held open. Whoever has it closes it. */
export interface OpenedSources<Output = never> {
  /** The input as the caller gave it: it must not be the output. */
  readonly given: unknown
  readonly sources: readonly NamedSource[]
  readonly bounds: PlanBounds
  readonly platform: Platform<never, Output>
  readonly close: () => Promise<void>
}

/** A checkpoint whose everything but the weights has been read. */
export interface OpenedContents<Output = never> extends OpenedSources<Output> {
  readonly contents: CheckpointContents
}

/**
 * Opens `input` and has `read` take from it what it needs. Closes it again where that fails.
 *
 * @throws `invalid-argument`, `read-failed`, `input-changed`; what `read` throws; the signal's reason.
 */
export async function openSources<Input, Output, Contents>(
  platform: Platform<Input, Output>,
  input: Input,
  options: OpenOptions & InputRequest,
  read: (opened: OpenedSources<Output>) => Promise<Contents>,
): Promise<Contents> {
  requireOptions(options)
  const { signal } = options
  signal?.throwIfAborted()
  const { source, close } = await platform.openInput(input, options)
  return closedOnFailure(close, async () => {
    // Many small ones at once hold the loop as well.
    await turnIfDue(signal)
    const sources = [{ name: nameOf(input) || "input", source }]
    const bounds = { limits: withLimits(options.limits), inputByteLength: source.byteLength }
    try {
      const contents = await read({ given: input, sources, bounds, platform, close })
      // What was read so far must be of one and the same file.
      await requireUnchanged(source, signal)
      // What was parsed must be what had that digest.
      if (options.sha256 !== undefined) await source.assertUnchanged?.()
      return contents
    } catch (error) {
      throw await explained(await withKnowledge(error), source, signal)
    }
  })
}

/** Opens a checkpoint and reads everything but the weights. */
export function openContents<Input, Output>(
  platform: Platform<Input, Output>,
  input: Input,
  options: OpenOptions & InputRequest,
): Promise<OpenedContents<Output>> {
  return openSources(platform, input, options, (opened) => readContents(opened, options))
}

/** Reads everything but the weights. */
export async function readContents<Output>(
  opened: OpenedSources<Output>,
  { signal, byteOrder }: OpenOptions,
): Promise<OpenedContents<Output>> {
  const [{ name, source }] = opened.sources as [NamedSource]
  const { crc32, inflate } = opened.platform
  const { limits } = opened.bounds
  const contents = await readCheckpoint(storeOfOne(source, name), {
    limits,
    crc32,
    inflate,
    signal,
    byteOrder,
  })
  return { ...opened, contents }
}

type Plannable = Pick<OpenedContents, "contents" | "sources" | "bounds">

/** What converting it would do, in steps. Reads nothing. */
export function planContentsSteps(
  { contents, sources, bounds }: Plannable,
  options: PlanOptions,
): Steps<PlannedConversion> {
  requireOptions(options)
  return planConversionSteps(contents, sources, options, bounds)
}

/** As `planContentsSteps`, while the event loop turns. */
export function planContentsInTurns(
  opened: Plannable,
  options: PlanOptions & { readonly signal?: AbortSignal | undefined },
): Promise<PlannedConversion> {
  return inTurns(planContentsSteps(opened, options), options.signal)
}

/**
 * What an input is called: the last part of a path, or of the path of an address as a store would look it up (its query may
 * be a secret); the name of a File; "" where it has none.
 */
export function nameOf(input: unknown): string {
  const url = input instanceof URL ? input : urlOf(input)
  if (url !== undefined) return decoded(lastPart(url.pathname))
  if (typeof input === "string") return lastPart(input)
  const named = typeof input === "object" && input !== null && "name" in input ? input.name : undefined
  return typeof named === "string" ? lastPart(named) : ""
}

function lastPart(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
}
