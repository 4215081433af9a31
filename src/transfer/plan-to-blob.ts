/**
 * The output of a plan as a Blob. Where the input is a Blob too, contiguous tensors become slices of it: their bytes
 * are read only when somebody reads the result.
 */

import { MemorySink } from "../bytes/memory-sink.ts"
import type { Segment } from "../plan/segments.ts"
import { ChecksumLedger } from "./checksum-ledger.ts"
import { ChunkProducer } from "./chunk-producer.ts"
import { CHUNK_BYTES } from "./cut-chunks.ts"
import type { RunOptions, TransferPlan } from "./run-plan.ts"
import { runPlan } from "./run-plan.ts"

/** What a safetensors file is served as; it has no registered type. */
const MEDIA_TYPE = "application/octet-stream"

/** @throws as `runPlan`. */
export async function planToBlob(plan: TransferPlan, options: RunOptions): Promise<Blob> {
  const parts: BlobPart[] = []
  let written = 0
  for (const segment of plan.segments) {
    options.signal?.throwIfAborted()
    parts.push(sliceOf(segment) ?? (await materialise(segment, options)))
    written += segment.length
    options.onProgress?.({ written, total: plan.byteLength })
  }
  await checkExtents(plan, options)
  return new Blob(parts, { type: MEDIA_TYPE })
}

function sliceOf(segment: Segment): Blob | undefined {
  if (segment.kind !== "copy" || segment.extent.coding !== "stored") return undefined
  const start = segment.extent.offset + segment.offsetInExtent
  return segment.extent.source.blob?.slice(start, start + segment.length)
}

async function materialise(
  segment: Segment,
  { crc32, signal }: RunOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink()
  const plan = { segments: [{ ...segment, start: 0 }], byteLength: segment.length, checkedExtents: [] }
  await runPlan(plan, sink, { crc32, signal })
  return sink.bytes
}

/** Slices pass through nobody's hands, so checksums take a reading of their own. */
async function checkExtents(plan: TransferPlan, { crc32, signal }: RunOptions): Promise<void> {
  if (plan.checkedExtents.length === 0) return
  const ledger = new ChecksumLedger(plan.checkedExtents, crc32)
  const producer = new ChunkProducer([], ledger, signal)
  const buffer = new Uint8Array(CHUNK_BYTES)
  for (const extent of ledger.unchecked()) await producer.check(extent, buffer)
  await producer.close()
}
