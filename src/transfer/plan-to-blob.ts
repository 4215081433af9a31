/**
 * The output of a plan as a Blob. Where the input is a Blob too, contiguous tensors become slices of it: their bytes
 * are read only when somebody reads the result.
 */

import { MemorySink } from "../bytes/memory-sink.ts"
import { CheckpointError } from "../errors.ts"
import type { Segment } from "../plan/segments.ts"
import { ChecksumLedger } from "./checksum-ledger.ts"
import { ChunkProducer } from "./chunk-producer.ts"
import { InflateBudget } from "./inflate-budget.ts"
import type { RunOptions, TransferPlan } from "./run-plan.ts"
import { runPlan } from "./run-plan.ts"
import { TRANSFER_SIZES } from "./transfer-sizes.ts"

/** What a safetensors file is served as; it has no registered type. */
const MEDIA_TYPE = "application/octet-stream"

/** Neighbours that cannot be slices are put together up to this many bytes: 20,000 small tensors make a few parts. */
const PART_BYTES = 16 * 1024 * 1024

/** @throws as `runPlan`. */
export async function planToBlob(plan: TransferPlan, options: RunOptions): Promise<Blob> {
  const budget = new InflateBudget(plan.maxInflatedBytes)
  const parts: BlobPart[] = []
  let written = 0
  for (const group of groupSegments(plan.segments)) {
    options.signal?.throwIfAborted()
    parts.push(sliceOf(group[0]) ?? (await materialise(group, plan, { ...options, budget })))
    written += lengthOf(group)
    options.onProgress?.({ written, total: plan.byteLength })
  }
  await checkExtents(plan, budget, options)
  return new Blob(parts, { type: MEDIA_TYPE })
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

function sliceOf(segment: Segment | undefined): Blob | undefined {
  if (segment?.kind !== "copy" || segment.extent.coding !== "stored") return undefined
  const { extent, length } = segment
  const at = extent.offset + segment.offsetInExtent
  const slice = extent.source.blob?.slice(at, at + length)
  if (slice === undefined || slice.size === length) return slice
  // A Blob cuts a slice short where it ends.
  throw new CheckpointError("truncated", { within: extent.name, at, wanted: length, got: slice.size })
}

async function materialise(
  group: readonly Segment[],
  { maxInflatedBytes }: TransferPlan,
  { crc32, signal, sizes, budget }: RunOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink()
  const base = group[0]?.start ?? 0
  const segments = group.map((segment) => ({ ...segment, start: segment.start - base }))
  const plan = { segments, byteLength: lengthOf(group), checkedExtents: [], maxInflatedBytes }
  await runPlan(plan, sink, { crc32, signal, sizes, budget })
  return sink.bytes
}

function lengthOf(group: readonly Segment[]): number {
  return group.reduce((sum, { length }) => sum + length, 0)
}

/** Slices pass through nobody's hands, so checksums take a reading of their own. */
async function checkExtents(plan: TransferPlan, budget: InflateBudget, options: RunOptions): Promise<void> {
  const { crc32, signal, sizes = TRANSFER_SIZES } = options
  const ledger = new ChecksumLedger(plan.checkedExtents, crc32)
  const producer = new ChunkProducer([], { ledger, budget, sizes, signal })
  try {
    await producer.checkRest()
  } finally {
    await producer.close()
  }
}
