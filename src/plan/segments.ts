/**
 * The pieces that tile an output, in order. Each says where its bytes come from; nothing here reads any.
 */

import type { ByteExtent } from "../bytes/byte-extent.ts"
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

/** Elements at `elementOffset` + sum of index * stride, last index fastest. Dimensions are merged where they can be. */
export interface StridedView {
  readonly itemBytes: number
  readonly elementOffset: number
  readonly shape: readonly number[]
  /** In elements. */
  readonly strides: readonly number[]
}

/** What is done to each element after it was picked. Parts are the halves of a complex number, or the element. */
export interface ElementFixes {
  readonly partBytes: number
  /** Reverse the bytes of each part. */
  readonly swapBytes: boolean
  /** Which parts change their sign. */
  readonly negate: "none" | "all" | "real" | "imaginary"
  /** How: by flipping the top bit, as two's complement, or as torch does for floats of two bytes. */
  readonly negation: "sign-bit" | "twos-complement" | "float16" | "bfloat16"
  /**
   * Write every byte but 0 as 1, which is what torch takes it for. In C++ and Rust a bool of any other byte is undefined
   * behaviour, and what reads the output may be written in these.
   */
  readonly normalizeBools: boolean
}

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
  const fixes = fixesFor(tensor, byteOrder)
  return { kind: "gather", start, length, extent, view: mergeDimensions(tensor), fixes }
}

/** Whether the tensor's elements stand in the file in the order, with the byte order and the signs of safetensors. */
export function isStoredPlainly(tensor: TensorRecord, byteOrder: ByteOrder): boolean {
  const { dtype, conjugate, negative } = tensor
  return !conjugate && !negative && !isSwapped(dtype, byteOrder) && isContiguous(tensor)
}

function isSwapped({ partBytes }: TorchDtype, byteOrder: ByteOrder): boolean {
  return byteOrder === "big" && partBytes > 1
}

/** Whether the elements lie in C order without gaps. Strides of dimensions of size 1 say nothing. */
export function isContiguous({ shape, strides }: TensorRecord): boolean {
  let expected = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number
    if (size === 1) continue
    if (strides[i] !== expected) return false
    expected *= size
  }
  return true
}

/** Drops dimensions of size 1 and joins neighbours that step as one. */
function mergeDimensions({ dtype, elementOffset, shape, strides }: TensorRecord): StridedView {
  const mergedShape: number[] = []
  const mergedStrides: number[] = []
  for (const [i, size] of shape.entries()) {
    if (size === 1) continue
    const stride = strides[i] as number
    const outer = mergedShape.length - 1
    if (outer >= 0 && mergedStrides[outer] === stride * size) {
      mergedShape[outer] = (mergedShape[outer] as number) * size
      mergedStrides[outer] = stride
    } else {
      mergedShape.push(size)
      mergedStrides.push(stride)
    }
  }
  return { itemBytes: dtype.itemBytes, elementOffset, shape: mergedShape, strides: mergedStrides }
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
