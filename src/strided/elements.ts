/**
 * Picks elements out of a window by stride, and changes them in place where byte order, sign or bools ask for it.
 *
 * Rows that lie closer together than their elements (a transposed matrix) are picked tile by tile. Row by row, each
 * element would come from another cache line and, where rows are long, from another page: a row of 4,096 float32 asks
 * for more pages than the processor keeps translations of. Within a tile a line is used up before it is let go.
 */

import { type Dimensions, offsetAt } from "./view.ts"

/** A window, and the strided view that begins with its first element. */
interface Picking extends Dimensions {
  /** Aligned to the element size. */
  readonly window: Uint8Array<ArrayBuffer>
  readonly itemBytes: number
}

/** Elements of 8 and 16 bytes are moved as units of 4: a float64 register could change a NaN on the way. */
type Units = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>

/** Units from which on a run is copied at once: 16 take 75 ns one by one and 170 at once, 48 take 200 and 120. */
const LONG_RUN = 24

/** Rows and columns of a tile: 16 KiB of float32, from as many lines as the nearest cache holds. */
const TILE = 64

/** A row of this step or less takes several elements from each cache line: no tile is needed. */
const NEAR = 8

/** Rows of a window, which have the same distance from one another. */
interface Plane {
  readonly from: Units
  readonly base: number
  readonly rows: number
  readonly rowStep: number
  readonly columns: number
  readonly columnStep: number
}

/** Fills `target`, which is aligned, with elements of the view from number `first` on, in the view's order. */
export function pickElements(
  { window, itemBytes, shape, strides }: Picking,
  first: number,
  target: Uint8Array<ArrayBuffer>,
): void {
  const unitBytes = Math.min(itemBytes, 4)
  const units = itemBytes / unitBytes
  const from = unitsOf(window, unitBytes)
  const to = unitsOf(target, unitBytes)
  const count = target.length / itemBytes
  const [rows = 1, columns = 1] = shape.length > 1 ? shape.slice(-2) : [1, ...shape]
  const [rowStep = 0, columnStep = 0] = strides.length > 1 ? strides.slice(-2) : [0, ...strides]
  const outer = { shape: shape.slice(0, -2), strides: strides.slice(0, -2) }
  const isTiled = units === 1 && columnStep > NEAR && rowStep > 0 && rowStep <= NEAR
  for (let done = 0; done < count; ) {
    const row = Math.floor((first + done) / columns)
    const column = first + done - row * columns
    const plane = Math.floor(row / rows)
    const rowInPlane = row - plane * rows
    const base = offsetAt(outer, plane) + rowInPlane * rowStep
    const wholeRows = column > 0 ? 0 : Math.min(rows - rowInPlane, Math.floor((count - done) / columns))
    if (isTiled && wholeRows > 0) {
      pickTiles({ from, base, rows: wholeRows, rowStep, columns, columnStep }, to, done)
      done += wholeRows * columns
      continue
    }
    for (let r = 0; r < Math.max(wholeRows, 1); r++) {
      const length = Math.min(columns - column, count - done)
      const start = base + r * rowStep + column * columnStep
      pickRow(from, start, columnStep, to, done, length, units)
      done += length
    }
  }
}

/** Writes the rows of `plane`, one after the other, to `to` from `at`. */
function pickTiles(plane: Plane, to: Units, at: number): void {
  const { from, base, rows, rowStep, columns, columnStep } = plane
  for (let row = 0; row < rows; row += TILE) {
    const rowEnd = Math.min(row + TILE, rows)
    for (let column = 0; column < columns; column += TILE) {
      const columnEnd = Math.min(column + TILE, columns)
      for (let r = row; r < rowEnd; r++) {
        let source = base + r * rowStep + column * columnStep
        const rowAt = at + r * columns
        for (let c = column; c < columnEnd; c++) {
          to[rowAt + c] = from[source] as number
          source += columnStep
        }
      }
    }
  }
}

function pickRow(
  from: Units,
  start: number,
  stride: number,
  to: Units,
  at: number,
  length: number,
  units: number,
): void {
  if (stride === 1 && length * units >= LONG_RUN) {
    to.set(from.subarray(start * units, (start + length) * units), at * units)
  } else if (units === 1) {
    for (let i = 0, source = start; i < length; i++, source += stride) to[at + i] = from[source] as number
  } else {
    for (let i = 0; i < length; i++) {
      const source = (start + i * stride) * units
      const target = (at + i) * units
      for (let unit = 0; unit < units; unit++) to[target + unit] = from[source + unit] as number
    }
  }
}

function unitsOf(bytes: Uint8Array<ArrayBuffer>, unitBytes: number): Units {
  const { buffer, byteOffset, byteLength } = bytes
  if (unitBytes === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4)
  if (unitBytes === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2)
  return bytes
}

/** What is done to each element after it was picked. Parts are the halves of a complex number, or the element. */
export interface ElementTransform {
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

/** Applies `transform`, if there is one, to whole elements in place. */
export function transformElements(
  bytes: Uint8Array<ArrayBuffer>,
  transform: ElementTransform | undefined,
): void {
  if (transform === undefined) return
  const { partBytes, swapBytes, negate, negation, normalizeBools } = transform
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

/** Reverses the bytes of each part in place. */
export function swapParts(bytes: Uint8Array, partBytes: number): void {
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
