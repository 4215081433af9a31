/**
 * The output of a plan as a Blob. Where the input is a Blob too, contiguous tensors become slices of it: their bytes
 * are read only when somebody reads the result. What has to be made is held in memory, or spilled where it is much.
 */

import { type ByteExtent, locateExtents } from "../bytes/byte-extent.ts"
import type { OpenSpill, Spill } from "../bytes/byte-sink.ts"
import { TRUNCATED } from "../bytes/errors.ts"
import { BlobSink } from "../bytes/sinks.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Segment } from "../plan/plan.ts"
import { BLOB_MEMORY, OUTPUT_INCOMPLETE } from "./errors.ts"
import { type RunOptions, requireSourcesUnchanged, runPlan } from "./run-plan.ts"
import { extentOf, type TransferPlan } from "./transfer-plan.ts"

/** What a safetensors file is served as; it has no registered type. */
const MEDIA_TYPE = "application/octet-stream"

interface BlobRunOptions extends RunOptions {
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

/** A slice takes about 5 KB of memory and a read of its own: what is smaller is made together with its neighbours. */
const SMALLEST_SLICE_BYTES = 4096

/** What an output is put together from. */
interface BlobLayout {
  /** In order: slices of inputs, and ranges of what is made. */
  readonly parts: readonly (Blob | MadeRange)[]
  /** What is made, as an output of its own: the segments follow one another from 0. */
  readonly made: { readonly segments: readonly Segment[]; readonly byteLength: number }
}

/** `[start, end)` of what is made. */
interface MadeRange {
  readonly start: number
  readonly end: number
}

/** The extents of what may become slices have been found. @throws `truncated` where a Blob ends before its slice does. */
function layOutBlob({ segments, extents }: Pick<TransferPlan, "segments" | "extents">): BlobLayout {
  const parts: (Blob | MadeRange)[] = []
  const made: Segment[] = []
  let start = 0
  let end = 0
  const endRange = (): void => {
    if (end > start) parts.push({ start, end })
    start = end
  }
  for (const segment of segments) {
    const slice = sliceOf(segment, extents)
    if (slice === undefined) {
      made.push({ ...segment, start: end })
      end += segment.length
    } else {
      endRange()
      parts.push(slice)
    }
  }
  endRange()
  return { parts, made: { segments: made, byteLength: end } }
}

function sliceOf(segment: Segment, extents: readonly ByteExtent[]): Blob | undefined {
  const extent = extentOf(segment, extents)
  if (segment.kind !== "copy" || extent?.coding !== "stored") return undefined
  const { length } = segment
  if (length < SMALLEST_SLICE_BYTES || extent.source.blob === undefined) return undefined
  const at = extent.offset + segment.offsetInExtent
  const slice = extent.source.blob.slice(at, at + length)
  if (slice.size === length) return slice
  // A Blob cuts a slice short where it ends.
  throw new CheckpointError(TRUNCATED, { within: extent.name, at, wanted: length, got: slice.size })
}
