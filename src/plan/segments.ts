/**
 * The pieces that tile an output, in order. Each says where its bytes come from; nothing here reads any.
 */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ElementFixes } from "../strided/convert.ts"
import { isContiguous, mergeDimensions, type StridedView } from "../strided/view.ts"
import type { ByteOrder } from "../torch/checkpoint-contents.ts"
import type { TorchDtype } from "../torch/dtypes.ts"
import type { TensorRecord } from "../torch/tensor-record.ts"
import { tensorByteLength } from "../torch/tensor-record.ts"

/** Bytes that the plan itself holds: the header. */
export interface LiteralSegment {
  readonly kind: "literal"
  /** Byte offset in the output. */
  readonly start: number
  readonly length: number
  readonly bytes: Uint8Array
}

/** A range of an extent's decoded bytes, as it is. */
export interface CopySegment {
  readonly kind: "copy"
  readonly start: number
  readonly length: number
  readonly extent: ByteExtent
  /** First byte in the decoded extent. */
  readonly offsetInExtent: number
}

/** Elements picked from an extent one by one, and changed on the way where `fixes` says so. */
export interface GatherSegment {
  readonly kind: "gather"
  readonly start: number
  readonly length: number
  readonly extent: ByteExtent
  readonly view: StridedView
  readonly fixes: ElementFixes
}

export type Segment = LiteralSegment | CopySegment | GatherSegment

/**
 * The segment for a tensor whose bytes begin at `start` of the output. A bool tensor is always gathered: its bytes are
 * not known before they are read, and a copy may go from file to file without being looked at.
 */
export function tensorSegment(
  tensor: TensorRecord,
  byteOrder: ByteOrder,
  start: number,
): CopySegment | GatherSegment {
  const { extent } = tensor.storage
  const { itemBytes } = tensor.dtype
  const length = tensorByteLength(tensor)
  if (tensor.dtype.family !== "bool" && isStoredPlainly(tensor, byteOrder)) {
    return { kind: "copy", start, length, extent, offsetInExtent: tensor.elementOffset * itemBytes }
  }
  const view = { itemBytes, elementOffset: tensor.elementOffset, ...mergeDimensions(tensor) }
  const fixes = fixesFor(tensor, byteOrder)
  return { kind: "gather", start, length, extent, view, fixes }
}

/** Whether the tensor's elements stand in the file in the order, with the byte order and the signs of safetensors. */
export function isStoredPlainly(tensor: TensorRecord, byteOrder: ByteOrder): boolean {
  const { dtype, conjugate, negative } = tensor
  return !conjugate && !negative && !isSwapped(dtype, byteOrder) && isContiguous(tensor)
}

function isSwapped({ partBytes }: TorchDtype, byteOrder: ByteOrder): boolean {
  return byteOrder === "big" && partBytes > 1
}

function negationOf({ name, family }: TorchDtype): ElementFixes["negation"] {
  if (name === "float16" || name === "bfloat16") return name
  return family === "signed" || family === "unsigned" ? "twos-complement" : "sign-bit"
}

function fixesFor({ dtype, conjugate, negative }: TensorRecord, byteOrder: ByteOrder): ElementFixes {
  const { partBytes, family } = dtype
  return {
    partBytes,
    swapBytes: isSwapped(dtype, byteOrder),
    // The neg bit turns both parts around, the conj bit the imaginary one: together they leave it as it is.
    negate: negative ? (conjugate ? "real" : "all") : conjugate ? "imaginary" : "none",
    negation: negationOf(dtype),
    normalizeBools: family === "bool",
  }
}
