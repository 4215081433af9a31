/** Picks elements out of a window by stride, and changes them where byte order, sign or bools ask for it. */

import type { ElementFixes } from "../plan/segments.ts"
import { FEWEST_ROWS, isTransposed, pickPlane } from "./pick-plane.ts"

/** A window, and the strided view into it whose elements are picked. */
export interface Picking {
  /** Aligned to the element size. */
  readonly window: Uint8Array<ArrayBuffer>
  readonly itemBytes: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  /** Element of the window where the view begins. */
  readonly base: number
}

/** Elements of 8 and 16 bytes are moved as units of 4: a float64 register could change a NaN on the way. */
type Units = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>

/** From this length on, copying a run at once beats copying its elements one by one. */
const LONG_RUN = 16

/** Writes elements `[first, first + count)` of the view, in its order, to `target`, which is aligned and exact. */
export function pickElements(
  picking: Picking,
  first: number,
  count: number,
  target: Uint8Array<ArrayBuffer>,
): void {
  const { itemBytes, shape, strides } = picking
  const unitBytes = Math.min(itemBytes, 4)
  const unitsPerItem = itemBytes / unitBytes
  const from = unitsOf(picking.window, unitBytes)
  const to = unitsOf(target, unitBytes)
  const last = shape.length - 1
  const rowLength = last < 0 ? 1 : (shape[last] as number)
  const rowStride = last < 0 ? 0 : (strides[last] as number)

  let row = Math.floor(first / rowLength)
  let column = first - row * rowLength
  const index = new Array<number>(Math.max(last, 0)).fill(0)
  let rowBase = picking.base
  for (let d = last - 1; d >= 0; d--) {
    const size = shape[d] as number
    index[d] = row % size
    rowBase += (index[d] as number) * (strides[d] as number)
    row = Math.floor(row / size)
  }
  const rowStep = last < 1 ? 0 : (strides[last - 1] as number)
  const byPlane = unitsPerItem === 1 && isTransposed(rowStep, rowStride)
  for (let done = 0; done < count; ) {
    if (byPlane && column === 0) {
      const left = (shape[last - 1] as number) - (index[last - 1] as number)
      const rows = Math.min(left, Math.floor((count - done) / rowLength))
      if (rows >= FEWEST_ROWS) {
        const plane = { base: rowBase, rows, rowStep, columns: rowLength, columnStep: rowStride }
        pickPlane(from, plane, to, done)
        done += rows * rowLength
        index[last - 1] = (index[last - 1] as number) + rows - 1
        rowBase += (rows - 1) * rowStep
        rowBase = nextRow(index, rowBase, picking)
        continue
      }
    }
    const length = Math.min(rowLength - column, count - done)
    const source = rowBase + column * rowStride
    if (unitsPerItem === 1) pickRow(from, source, rowStride, to, done, length)
    else pickWideRow(from, source, rowStride, to, done, length, unitsPerItem)
    done += length
    column = 0
    rowBase = nextRow(index, rowBase, picking)
  }
}

/** Moves `index` on by a row, and returns where that begins. */
function nextRow(index: number[], rowBase: number, { shape, strides }: Picking): number {
  let base = rowBase
  for (let d = index.length - 1; d >= 0; d--) {
    base += strides[d] as number
    index[d] = (index[d] as number) + 1
    if ((index[d] as number) < (shape[d] as number)) break
    base -= (shape[d] as number) * (strides[d] as number)
    index[d] = 0
  }
  return base
}

function pickRow(from: Units, start: number, stride: number, to: Units, at: number, length: number): void {
  if (stride === 1 && length >= LONG_RUN) {
    to.set(from.subarray(start, start + length), at)
    return
  }
  for (let i = 0, source = start; i < length; i++, source += stride) to[at + i] = from[source] as number
}

function pickWideRow(
  from: Units,
  start: number,
  stride: number,
  to: Units,
  at: number,
  length: number,
  units: number,
): void {
  if (stride === 1 && length >= LONG_RUN) {
    to.set(from.subarray(start * units, (start + length) * units), at * units)
    return
  }
  for (let i = 0; i < length; i++) {
    const source = (start + i * stride) * units
    const target = (at + i) * units
    for (let unit = 0; unit < units; unit++) to[target + unit] = from[source + unit] as number
  }
}

function unitsOf(bytes: Uint8Array<ArrayBuffer>, unitBytes: number): Units {
  const { buffer, byteOffset, byteLength } = bytes
  if (unitBytes === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4)
  if (unitBytes === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2)
  return bytes
}

/** Applies `fixes` to whole elements in place. */
export function fixElements(bytes: Uint8Array<ArrayBuffer>, fixes: ElementFixes): void {
  const { partBytes, swapBytes, negate, negation, normalizeBools } = fixes
  if (normalizeBools) {
    makeBools(bytes)
    return
  }
  if (swapBytes) swapParts(bytes, partBytes)
  if (negate === "none") return
  // Real and imaginary parts alternate; a real dtype has one part an element and is negated whole.
  const step = negate === "all" ? partBytes : 2 * partBytes
  const first = negate === "imaginary" ? partBytes : 0
  if (negation === "twos-complement") {
    negateIntegers(bytes, partBytes)
    return
  }
  if (negation === "float16") quietFloat16s(bytes)
  flipSigns(bytes, first + partBytes - 1, step)
  if (negation === "bfloat16") quietBfloat16s(bytes)
}

function makeBools(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] as number) > 1) bytes[at] = 1
  }
}

function swapParts(bytes: Uint8Array, partBytes: number): void {
  for (let start = 0; start < bytes.length; start += partBytes) {
    for (let low = start, high = start + partBytes - 1; low < high; low++, high--) {
      const byte = bytes[low] as number
      bytes[low] = bytes[high] as number
      bytes[high] = byte
    }
  }
}

/** The sign is the top bit of the last byte of a little-endian float. */
function flipSigns(bytes: Uint8Array, first: number, step: number): void {
  for (let at = first; at < bytes.length; at += step) bytes[at] = (bytes[at] as number) ^ 0x80
}

/**
 * torch negates floats of two bytes as float32. On the way there a signalling NaN becomes a quiet one and keeps its other
 * bits (F16C); on the way back to bfloat16 every NaN becomes this one. So it is for each element that torch negates by
 * itself; where it negates 32 in a row at once, its AVX kernels flip the sign alone, and without F16C all NaNs of a kind
 * are one. All of them are the same NaNs; here the place of an element does not decide which.
 */
const BFLOAT16_NAN = [0xc0, 0x7f]

function quietFloat16s(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 2) {
    const high = bytes[at + 1] as number
    if ((high & 0x7c) === 0x7c && ((high & 0x03) | (bytes[at] as number)) !== 0) bytes[at + 1] = high | 0x02
  }
}

function quietBfloat16s(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 2) {
    if (((bytes[at + 1] as number) & 0x7f) === 0x7f && (bytes[at] as number) > 0x80)
      bytes.set(BFLOAT16_NAN, at)
  }
}

/** Invert and add one, with the carry going up through the bytes. The smallest integer stays what it is. */
function negateIntegers(bytes: Uint8Array, partBytes: number): void {
  for (let start = 0; start < bytes.length; start += partBytes) {
    let carry = 1
    for (let at = start; at < start + partBytes; at++) {
      const sum = (~(bytes[at] as number) & 0xff) + carry
      bytes[at] = sum
      carry = sum >> 8
    }
  }
}
