/** Makes typed arrays out of the bytes of a tensor, which are in C order and little-endian, as safetensors holds them. */

import { invalidArgument } from "../bytes/failures.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import { swapParts } from "../strided/elements.ts"

/** The arrays of the dtypes whose elements, or the parts of them, are wider than a byte or have a sign. */
interface WideArrays {
  I8: Int8Array<ArrayBuffer>
  I16: Int16Array<ArrayBuffer>
  U16: Uint16Array<ArrayBuffer>
  F16: Uint16Array<ArrayBuffer>
  BF16: Uint16Array<ArrayBuffer>
  I32: Int32Array<ArrayBuffer>
  U32: Uint32Array<ArrayBuffer>
  F32: Float32Array<ArrayBuffer>
  C64: Float32Array<ArrayBuffer>
  F64: Float64Array<ArrayBuffer>
  I64: BigInt64Array<ArrayBuffer>
  U64: BigUint64Array<ArrayBuffer>
}

/** The array that `toTypedArray` makes for a dtype. */
export type TypedArrayOf<D extends SafetensorsDtype> = D extends keyof WideArrays
  ? WideArrays[D]
  : Uint8Array<ArrayBuffer>

interface ArrayType<A> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A
}

type AnyArrayType = ArrayType<TypedArrayOf<SafetensorsDtype>>

/** Of all other dtypes it is Uint8Array. */
const WIDE_ARRAYS: ReadonlyMap<string, AnyArrayType> = /* @__PURE__ */ new Map<string, AnyArrayType>([
  ["I8", Int8Array],
  ["I16", Int16Array],
  ["U16", Uint16Array],
  ["F16", Uint16Array],
  ["BF16", Uint16Array],
  ["I32", Int32Array],
  ["U32", Uint32Array],
  ["F32", Float32Array],
  ["C64", Float32Array],
  ["F64", Float64Array],
  ["I64", BigInt64Array],
  ["U64", BigUint64Array],
])

/**
 * The elements of a tensor as they are stored. Floats narrower than 32 bits are the bits of each element, C64 is pairs of
 * a real and an imaginary part, elements of less than a byte stay packed, and a bool is 0 or 1.
 *
 * The array lies in the memory of `bytes` where that is aligned for it, and in a copy where not.
 *
 * @throws `invalid-argument` where `bytes` end within an element.
 */
export function toTypedArray<D extends SafetensorsDtype>(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: D,
): TypedArrayOf<D> {
  const Type: AnyArrayType = WIDE_ARRAYS.get(dtype) ?? Uint8Array
  const array = viewAs(Type, bytes, dtype === "C64" ? 2 : 1)
  return (dtype === "BOOL" ? asBools(bytes) : array) as TypedArrayOf<D>
}

/** torch takes any byte but 0 for true. */
function asBools(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (const byte of bytes) if (byte > 1) return bytes.map((each) => Math.min(each, 1))
  return bytes
}

/**
 * The elements of a tensor as float32: exact for every narrower float, otherwise the nearest float32, ties to even, as
 * `tensor.float()` of torch has it. F32 lies in the memory of `bytes` where that is aligned; all else is new memory.
 *
 * @throws `invalid-argument` for a dtype whose elements are no single numbers, and where `bytes` end within an element.
 */
export function toFloat32Array(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: SafetensorsDtype,
): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case "C64":
      throw invalidArgument("dtype", "an element of C64 is two numbers; as a typed array it is such pairs")
    case "F6_E2M3":
    case "F6_E3M2":
      throw invalidArgument("dtype", `safetensors does not say how elements of ${dtype} are packed`)
    case "F32":
      return toTypedArray(bytes, dtype)
    case "F16":
      return widen(toTypedArray(bytes, dtype), FLOAT16)
    case "BF16":
      return upperHalves(toTypedArray(bytes, dtype))
    case "I64":
    case "U64":
      return nearestToInt64(viewAs(Uint32Array, bytes, 2), dtype === "I64")
    case "F4":
    case "F8_E4M3":
    case "F8_E4M3FNUZ":
    case "F8_E5M2":
    case "F8_E5M2FNUZ":
    case "F8_E8M0":
      return lookUp(bytes, tableOf(dtype), dtype === "F4")
    default:
      return new Float32Array(toTypedArray(bytes, dtype))
  }
}

/** `bytes` as an array whose elements, `parts` at a time, are those of a tensor. */
function viewAs<A>(Type: ArrayType<A>, bytes: Uint8Array<ArrayBuffer>, parts = 1): A {
  const { length } = bytes
  const partBytes = Type.BYTES_PER_ELEMENT
  if (length % (parts * partBytes) !== 0) {
    throw invalidArgument("bytes", `${length} bytes are no elements of ${parts * partBytes} bytes`)
  }
  const mustSwap = partBytes > 1 && isBigEndianHost()
  const isAligned = bytes.byteOffset % partBytes === 0
  const aligned = isAligned && !mustSwap ? bytes : new Uint8Array(bytes)
  if (mustSwap) swapParts(aligned, partBytes)
  return new Type(aligned.buffer, aligned.byteOffset, length / partBytes)
}

/** Such as Node on IBM Z. */
function isBigEndianHost(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 0
}

/** A float with a sign bit on top, then the exponent and the mantissa, at most 16 bits together. */
interface SmallFloat {
  /** Bits of exponent and mantissa together. */
  readonly magnitudeBits: number
  readonly mantissaBits: number
  readonly bias: number
  /** The smallest magnitude, taken as an integer, that is infinite or no number. */
  readonly special: number
}

const FLOAT16: SmallFloat = { magnitudeBits: 15, mantissaBits: 10, bias: 15, special: 0x7c00 }

/** Those of a byte, and F4 of half a byte: "OCP Microscaling Formats" 1.0 and, for FNUZ, arXiv 2206.02915. */
const SMALL_FLOATS: ReadonlyMap<string, SmallFloat> = /* @__PURE__ */ new Map([
  ["F4", { magnitudeBits: 3, mantissaBits: 1, bias: 1, special: 8 }],
  ["F8_E4M3", { magnitudeBits: 7, mantissaBits: 3, bias: 7, special: 0x7f }],
  ["F8_E4M3FNUZ", { magnitudeBits: 7, mantissaBits: 3, bias: 8, special: 0x80 }],
  ["F8_E5M2", { magnitudeBits: 7, mantissaBits: 2, bias: 15, special: 0x7c }],
  ["F8_E5M2FNUZ", { magnitudeBits: 7, mantissaBits: 2, bias: 16, special: 0x80 }],
])

/**
 * The bits move to where float32 has them, and a product with a power of two, which is exact, makes up for the other
 * bias; numbers below the smallest normal one come out right by themselves.
 */
function widen(
  codes: Uint16Array,
  { magnitudeBits, mantissaBits, bias, special }: SmallFloat,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(codes.length)
  const bits = new Uint32Array(values.buffer)
  const shift = 23 - mantissaBits
  const scale = 2 ** (127 - bias)
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number
    const magnitude = code & ((1 << magnitudeBits) - 1)
    bits[i] = ((code >>> magnitudeBits) << 31) | (magnitude << shift)
    values[i] = (values[i] as number) * scale
    // Infinity where the mantissa is 0, otherwise NaN.
    if (magnitude >= special) bits[i] = (bits[i] as number) | 0x7f80_0000
  }
  return values
}

/** The bits of a bfloat16 are the upper half of those of a float32. */
function upperHalves(codes: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(codes.length)
  for (let i = 0; i < codes.length; i++) bits[i] = (codes[i] as number) << 16
  return new Float32Array(bits.buffer)
}

const tables = new Map<string, Float32Array>()

/** The value of every byte, or of every half of one. Made when it is first asked for. */
function tableOf(dtype: string): Float32Array {
  const table = tables.get(dtype) ?? makeTable(dtype)
  tables.set(dtype, table)
  return table
}

function makeTable(dtype: string): Float32Array {
  const codes = Uint16Array.from({ length: 256 }, (_, code) => code)
  const format = SMALL_FLOATS.get(dtype)
  // F8_E8M0 is an exponent and nothing else, not even a sign.
  if (format === undefined)
    return Float32Array.from(codes, (code) => (code === 0xff ? NaN : 2 ** (code - 127)))
  const table = widen(codes, format)
  // Without a minus zero, its bits are the only NaN.
  if (dtype.endsWith("FNUZ")) table[0x80] = Number.NaN
  return table
}

/** The values of bytes, or of their halves, the lower half first as in torch's `float4_e2m1fn_x2`. */
function lookUp(bytes: Uint8Array, table: Float32Array, halves: boolean): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves ? 2 * bytes.length : bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (halves) {
      values[2 * i] = table[byte & 0xf] as number
      values[2 * i + 1] = table[byte >> 4] as number
    } else values[i] = table[byte] as number
  }
  return values
}

/**
 * The float32 nearest to each int64 or uint64. A double holds 53 of the 64 bits, and to round to it first and then to
 * float32 would round some numbers twice, to the wrong side. So where there are more, the eleven lowest bits give way
 * to one that says whether any of them was set ("round to odd", Boldo and Melquiond 2008), and the double is exact.
 */
function nearestToInt64(words: Uint32Array, isSigned: boolean): Float32Array<ArrayBuffer> {
  const values = new Float32Array(words.length / 2)
  for (let i = 0; i < values.length; i++) {
    const low = words[2 * i] as number
    const word = words[2 * i + 1] as number
    const high = isSigned ? word | 0 : word
    const isExact = (high >= -(2 ** 21) && high < 2 ** 21) || (low & 0x7ff) === 0
    values[i] = high * 2 ** 32 + (isExact ? low : ((low | 0x800) & ~0x7ff) >>> 0)
  }
  return values
}
