/** What each byte range of an output is made from. Plain data. */

import type { ElementTransform } from "../strided/transform.ts"
import type { StridedView } from "../strided/view.ts"
import { isContiguous, mergeDimensions } from "../strided/view.ts"
import type { Tensor } from "../tensors/tensor.ts"
import { tensorByteLength } from "../tensors/tensor.ts"

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
