/** Divides an output into slices of an input that is a Blob, and everything else, which has to be made. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { TRUNCATED } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Segment } from "../plan/plan.ts"
import { extentOf, type TransferPlan } from "./transfer-plan.ts"

/** A slice takes about 5 KB of memory and a read of its own: what is smaller is made together with its neighbours. */
const SMALLEST_SLICE_BYTES = 4096

/** What an output is put together from. */
export interface BlobLayout {
  /** In order: slices of inputs, and ranges of what is made. */
  readonly parts: readonly (Blob | MadeRange)[]
  /** What is made, as an output of its own: the segments follow one another from 0. */
  readonly made: { readonly segments: readonly Segment[]; readonly byteLength: number }
}

/** `[start, end)` of what is made. */
export interface MadeRange {
  readonly start: number
  readonly end: number
}

/** The extents of what may become slices have been found. @throws `truncated` where a Blob ends before its slice does. */
export function layOutBlob({ segments, extents }: Pick<TransferPlan, "segments" | "extents">): BlobLayout {
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
