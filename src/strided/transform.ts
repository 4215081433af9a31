/** Changes elements in place where byte order, sign or bools ask for it. */

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
