/**
 * The output of a plan as a Blob. Where the input is a Blob too, contiguous tensors become slices of it: their bytes
 * are read only when somebody reads the result. What has to be made is held in memory, or spilled where it is much.
 */

import { locateExtents } from "../bytes/byte-extent.ts"
import type { OpenSpill, Spill } from "../bytes/byte-sink.ts"
import { BlobSink } from "../bytes/sinks.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { BLOB_MEMORY, OUTPUT_INCOMPLETE } from "./errors.ts"
import { type BlobLayout, layOutBlob } from "./lay-out-blob.ts"
import { type RunOptions, requireSourcesUnchanged, runPlan } from "./run-plan.ts"
import type { TransferPlan } from "./transfer-plan.ts"

/** What a safetensors file is served as; it has no registered type. */
const MEDIA_TYPE = "application/octet-stream"

export interface BlobRunOptions extends RunOptions {
  /** Bytes that are made and may be held in memory. Of more, all are spilled. Default: no bound. */
  readonly maxMemoryBytes?: number | undefined
  /** Where to. Default: there is no such place. */
  readonly openSpill?: OpenSpill | undefined
}

/** The Blob, and what of it lies outside memory. */
export interface BlobOutput {
  readonly blob: Blob
  readonly spill: Spill | undefined
}

/** @throws as `runPlan`; `blob-memory`. Nothing is left behind then. */
export async function planToBlob(plan: TransferPlan, options: BlobRunOptions): Promise<BlobOutput> {
  const { signal, onProgress, maxMemoryBytes = Number.POSITIVE_INFINITY } = options
  signal?.throwIfAborted()
  // What may become a slice has to be found first.
  await locateExtents(
    plan.extents.filter(({ source }) => source.blob !== undefined),
    signal,
  )
  const layout = layOutBlob(plan)
  const { made } = layout
  const sliced = plan.byteLength - made.byteLength
  const isTooMuch = made.byteLength > maxMemoryBytes
  const spill = isTooMuch ? await openSpill(made.byteLength, maxMemoryBytes, options) : undefined
  const sink = spill ?? new BlobSink()
  // Slices pass through nobody's hands: the run reads them once for their checksums, behind everything else.
  await runPlan({ ...plan, ...made }, sink, {
    ...options,
    onProgress:
      onProgress && ((is) => onProgress({ ...is, written: sliced + is.written, total: plan.byteLength })),
  })
  try {
    await requireSourcesUnchanged(plan, signal)
    signal?.throwIfAborted()
    return { blob: compose(layout, sink.blob, plan.byteLength), spill }
  } catch (error) {
    await spill?.remove()
    throw error
  }
}

async function openSpill(byteLength: number, allowed: number, options: BlobRunOptions): Promise<Spill> {
  const refuse = (reason: string, cause?: unknown): CheckpointError =>
    new CheckpointError(BLOB_MEMORY, { wanted: byteLength, allowed, reason }, { cause })
  if (options.openSpill !== undefined) return options.openSpill({ byteLength, refuse })
  throw refuse("this platform has no place for one")
}

function compose({ parts }: BlobLayout, made: Blob, byteLength: number): Blob {
  const blobs = parts.map((part) => (part instanceof Blob ? part : made.slice(part.start, part.end)))
  const blob = new Blob(blobs, { type: MEDIA_TYPE })
  // A part that only looks like a Blob would count for nothing.
  if (blob.size === byteLength) return blob
  throw new CheckpointError(OUTPUT_INCOMPLETE, { expected: byteLength, written: blob.size })
}
