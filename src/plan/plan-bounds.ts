/** What a plan may ask for. All bounds grow with the input, so that a small file cannot ask for much. */

import { type Limits, type ScaledLimit, scaledLimit } from "../limits/limits.ts"
import { requireWithinScaled } from "../limits/require-within.ts"
import { gatherCost } from "../strided/blocks.ts"
import type { PlannedExtent } from "./plan.ts"
import type { Segment } from "./segments.ts"

/** Bounds that depend on the input rather than on the plan. */
export interface PlanBounds {
  readonly limits: Limits
  /** Bytes of all sources together. */
  readonly inputByteLength: number
}

/** A view can repeat one element for ever (stride 0), and one storage can have many names. */
export function requireOutputWithin({ limits, inputByteLength }: PlanBounds, wanted: number): void {
  const allowed = scaledLimit(limits, "outputFloorBytes", "outputRatio", inputByteLength)
  requireWithinScaled(allowed, wanted, "output")
}

/** Bytes that may be inflated of this input. At most what JSON can say. */
export function inflatedBytesAllowed(bounds: PlanBounds): number {
  return Math.min(inflateLimit(bounds).allowed, Number.MAX_SAFE_INTEGER)
}

function inflateLimit({ limits, inputByteLength }: PlanBounds): ScaledLimit {
  return scaledLimit(limits, "inflateFloorBytes", "inflateRatio", inputByteLength)
}

/** A deflated member may claim a thousand times what it takes in the file, and each is inflated at least once. */
export function requireInflatedWithin(
  bounds: PlanBounds,
  extents: readonly Pick<PlannedExtent, "coding" | "byteLength">[],
): void {
  let wanted = 0
  for (const { coding, byteLength } of extents) if (coding === "deflate") wanted += byteLength
  requireWithinScaled(inflateLimit(bounds), wanted, "archive")
}

/** One storage can have many views, each of which reads most of it, or picks bytes from all over it. */
export function requireGatheredWithin(bounds: PlanBounds, segments: readonly Segment[]): void {
  const { limits, inputByteLength } = bounds
  const allowed = scaledLimit(limits, "gatherFloorBytes", "gatherRatio", inputByteLength)
  let wanted = 0
  for (const segment of segments) {
    if (segment.kind !== "gather") continue
    wanted += gatherCost(segment.view)
    requireWithinScaled(allowed, wanted, "strided tensors")
  }
}
