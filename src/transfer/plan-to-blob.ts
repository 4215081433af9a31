/**
 * The output of a plan as a Blob. Where the input is a Blob too, contiguous tensors become slices of it: their bytes
 * are read only when somebody reads the result.
 */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { locateExtents } from "../bytes/byte-extent.ts"
import { MemorySink } from "../bytes/memory-sink.ts"
import { CheckpointError } from "../errors.ts"
import type { Segment } from "../plan/segments.ts"
import { discardingSink, planCheck } from "./check-extents.ts"
import { InflateBudget } from "./inflate-budget.ts"
import type { RunOptions, TransferPlan } from "./run-plan.ts"
import { requireSourcesUnchanged, runPlan } from "./run-plan.ts"

/** What a safetensors file is served as; it has no registered type. */
const MEDIA_TYPE = "application/octet-stream"

/** Neighbours that cannot be slices are put together up to this many bytes: 20,000 small tensors make a few parts. */
const PART_BYTES = 16 * 1024 * 1024

/** A slice takes about 5 KB of memory and a read of its own: what is smaller is put together as well. */
const SMALLEST_SLICE_BYTES = 4096

/** @throws as `runPlan`. */
export async function planToBlob(plan: TransferPlan, options: RunOptions): Promise<Blob> {
  const { crc32, inflate, signal, sizes, onProgress } = options
  const run = { crc32, inflate, signal, sizes, budget: new InflateBudget(plan.maxInflatedBytes) }
  await locateExtents(plan.segments.flatMap(sliceable), signal)
  const unchecked = new Set(plan.checkedExtents)
  const parts: BlobPart[] = []
  let written = 0
  for (const group of groupSegments(plan.segments)) {
    signal?.throwIfAborted()
    const slice = sliceOf(group[0])
    const checkedExtents = slice === undefined ? takeExtents(group, unchecked) : []
    parts.push(slice ?? (await materialise({ ...plan, ...placed(group), checkedExtents }, run)))
    written += lengthOf(group)
    onProgress?.({ written, total: plan.byteLength })
  }
  // Slices pass through nobody's hands, so their checksums take a reading of their own.
  await runPlan({ ...plan, ...planCheck([...unchecked]) }, discardingSink(), run)
  await requireSourcesUnchanged(plan, signal)
  const blob = new Blob(parts, { type: MEDIA_TYPE })
  // A part that only looks like a Blob would count for nothing.
  if (blob.size === plan.byteLength) return blob
  throw new CheckpointError("output-incomplete", { expected: plan.byteLength, written: blob.size })
}

/** One segment that is a slice of the input, or several that are not. */
function* groupSegments(segments: readonly Segment[]): Generator<readonly Segment[]> {
  let group: Segment[] = []
  let length = 0
  for (const segment of segments) {
    const slice = sliceOf(segment) !== undefined
    if (group.length > 0 && (slice || length + segment.length > PART_BYTES)) {
      yield group
      group = []
      length = 0
    }
    if (slice) {
      yield [segment]
    } else {
      group.push(segment)
      length += segment.length
    }
  }
  if (group.length > 0) yield group
}

/** The extent of a segment that may become a slice, which has to be found first. */
function sliceable(segment: Segment): readonly ByteExtent[] {
  return segment.kind === "literal" || segment.extent.source.blob === undefined ? [] : [segment.extent]
}

function sliceOf(segment: Segment | undefined): Blob | undefined {
  if (segment?.kind !== "copy" || segment.extent.coding !== "stored") return undefined
  const { extent, length } = segment
  if (length < SMALLEST_SLICE_BYTES || extent.source.blob === undefined) return undefined
  const at = extent.offset + segment.offsetInExtent
  const slice = extent.source.blob?.slice(at, at + length)
  if (slice === undefined || slice.size === length) return slice
  // A Blob cuts a slice short where it ends.
  throw new CheckpointError("truncated", { within: extent.name, at, wanted: length, got: slice.size })
}

/** Takes from `unchecked` what `group` draws on. */
function takeExtents(group: readonly Segment[], unchecked: Set<ByteExtent>): readonly ByteExtent[] {
  const extents = group.flatMap((segment) => (segment.kind === "literal" ? [] : [segment.extent]))
  return extents.filter((extent) => unchecked.delete(extent))
}

/** `group` as an output of its own. */
function placed(group: readonly Segment[]): Pick<TransferPlan, "segments" | "byteLength"> {
  const base = group[0]?.start ?? 0
  const segments = group.map((segment) => ({ ...segment, start: segment.start - base }))
  return { segments, byteLength: lengthOf(group) }
}

async function materialise(plan: TransferPlan, options: RunOptions): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink()
  await runPlan(plan, sink, options)
  return sink.bytes
}

function lengthOf(group: readonly Segment[]): number {
  return group.reduce((sum, { length }) => sum + length, 0)
}
