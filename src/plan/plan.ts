/** What writing a safetensors file will do: decided in full before one weight is read. Plain data. */

import { type Limits, type ScaledLimit, scaledLimit } from "../limits/limits.ts"
import { requireWithinScaled } from "../limits/require-within.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import { gatherCost } from "../strided/blocks.ts"
import type { ElementTransform } from "../strided/elements.ts"
import { isContiguous, mergeDimensions, type StridedView } from "../strided/view.ts"
import { type Tensor, tensorByteLength } from "../tensors/tensor.ts"
import type { UnmatchedGlob } from "./errors.ts"
import type { Alias } from "./resolve-sharing.ts"

/**
 * A plan. It is JSON: it can be written to a file, read by another process, and carried out there with `writePlan`, against
 * sources that are given by name. `segments` tile `[0, byteLength)` in order.
 */
export interface Plan {
  /** JSON of the output's header, padded with spaces to a multiple of 8 bytes. Its length stands before it in the file. */
  readonly header: string
  /** Bytes of the output. */
  readonly byteLength: number
  /** What it draws from, whether any byte is needed of it or not. */
  readonly sources: readonly PlannedSource[]
  /** The runs of bytes that segments draw from, in the order in which they are needed first. */
  readonly extents: readonly PlannedExtent[]
  readonly segments: readonly Segment[]
  /** Places in `extents` of those whose checksum is checked. */
  readonly checkedExtents: readonly number[]
  /** Bytes that carrying it out may inflate. An entry that is begun anew counts again. */
  readonly maxInflatedBytes: number
  readonly report: PlanReport
}

/** A file, or whatever else bytes are read from. */
export interface PlannedSource {
  /** Its name among the sources. */
  readonly name: string
  readonly byteLength: number
}

/** Bytes of a source, as they are or deflated. */
export interface PlannedExtent {
  /** Place in `sources`. */
  readonly source: number
  /**
   * Byte offset in the source. Undefined where finding it takes a read that was put off because reads are dear:
   * `Checkpoint.locate` finds them.
   */
  readonly offset?: number | undefined
  /** Bytes that it takes in the source. Equal to `byteLength` unless deflated. */
  readonly storedLength: number
  /** Bytes that it holds once decoded. */
  readonly byteLength: number
  readonly coding: "stored" | "deflate"
  /** CRC-32 of the decoded bytes, where the container keeps one. */
  readonly crc32?: number | undefined
  /** What it is called in messages. */
  readonly name: string
}

/** A tensor of the output. */
export interface PlannedTensor {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** Bytes of its data. */
  readonly byteLength: number
  /** Byte offset of its data in the output. */
  readonly start: number
  /**
   * `copied` when its bytes stand in the input as they are, `gathered` when they must be picked, changed or looked
   * at: those of a bool tensor always are, because a byte other than 0 and 1 is written as 1.
   */
  readonly from: "copied" | "gathered"
}

/** Something that the caller should know and that stops nothing. */
export type PlanWarning =
  | { readonly code: "checksums-absent" | "checksums-not-checked" | "keep-unused"; readonly message: string }
  | ({ readonly code: "glob-unmatched"; readonly message: string } & UnmatchedGlob)

/** A tensor that is not written, because safetensors cannot hold it. */
export interface SkippedTensor {
  readonly name: string
  readonly reason: string
}

/** What a plan does, or did. Plain data. */
export interface PlanReport {
  /** Bytes of the output. */
  readonly byteLength: number
  readonly tensorCount: number
  /** Elements of all tensors that are written. */
  readonly parameterCount: number
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of the output. */
  readonly tensors: readonly PlannedTensor[]
  /** Names that are not written because another name holds the same tensor. */
  readonly aliases: readonly Alias[]
  readonly leftOut: {
    /** Names that `include` and `exclude` took out. */
    readonly filtered: readonly string[]
    /** Tensors that safetensors cannot hold, where `unsupported: "skip"` leaves them out. */
    readonly unsupported: readonly SkippedTensor[]
  }
  /** Whether the bytes are checked against the container's checksums as they pass. */
  readonly checksums: "checked" | "absent" | "not-checked"
  readonly warnings: readonly PlanWarning[]
}

/** The header, which the plan itself holds. */
export interface HeaderSegment {
  readonly kind: "header"
  /** Byte offset in the output. */
  readonly start: number
  readonly length: number
}

/** A range of an extent's decoded bytes, as it is. */
export interface CopySegment {
  readonly kind: "copy"
  readonly start: number
  readonly length: number
  /** Place among the plan's extents. */
  readonly extent: number
  /** First byte in the decoded extent. */
  readonly offsetInExtent: number
}

/** Elements picked from an extent one by one, and changed on the way where there is a transform. */
export interface GatherSegment {
  readonly kind: "gather"
  readonly start: number
  readonly length: number
  /** Place among the plan's extents. */
  readonly extent: number
  readonly view: StridedView
  readonly transform?: ElementTransform | undefined
}

export type Segment = HeaderSegment | CopySegment | GatherSegment

/** The segment for a tensor whose bytes begin at `start` of the output, and whose storage is that extent of the plan. */
export function tensorSegment(tensor: Tensor, extent: number, start: number): CopySegment | GatherSegment {
  const { dtype, elementOffset, transform } = tensor
  const { itemBytes } = dtype
  const length = tensorByteLength(tensor)
  if (transform === undefined && isContiguous(tensor)) {
    return { kind: "copy", start, length, extent, offsetInExtent: elementOffset * itemBytes }
  }
  const view = { itemBytes, elementOffset, ...mergeDimensions(tensor) }
  return { kind: "gather", start, length, extent, view, transform }
}

/** Bounds of a plan. All grow with the input, so that a small file cannot ask for much. */
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
