/**
 * Turns the bytes of a tensor into numbers, for every dtype that stands for numbers. Bytes are little-endian and in C
 * order, as safetensors holds them.
 */

export interface ElementDecoder {
  /** Bytes that make up a whole number of elements; every slice that is decoded must be a multiple of it. */
  readonly unitBytes: number
  /** Numbers that come out of one unit: 2 for complex elements and for packed ones. */
  readonly valuesPerUnit: number
  /** Writes the numbers in `bytes` to the beginning of `values`. */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>, values: Float64Array) => void
}

type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/** Elements that a typed array reads. */
function plain(
  unitBytes: number,
  view: (buffer: ArrayBuffer, offset: number, length: number) => NumberArray,
  valuesPerUnit = 1,
): ElementDecoder {
  const decode = (bytes: Uint8Array<ArrayBuffer>, values: Float64Array): void => {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
    values.set(view(aligned.buffer, aligned.byteOffset, (bytes.length / unitBytes) * valuesPerUnit))
  }
  return { unitBytes, valuesPerUnit, decode }
}

/** 64-bit integers beyond 2^53 are rounded. */
function wide(
  view: (buffer: ArrayBuffer, offset: number, length: number) => BigInt64Array | BigUint64Array,
): ElementDecoder {
  const decode = (bytes: Uint8Array<ArrayBuffer>, values: Float64Array): void => {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
    for (const [index, value] of view(aligned.buffer, aligned.byteOffset, bytes.length / 8).entries()) {
      values[index] = Number(value)
    }
  }
  return { unitBytes: 8, valuesPerUnit: 1, decode }
}

/** Elements of 16 bits by a table of all of them. */
function sixteen(makeTable: () => Float32Array, valuesPerUnit = 1): ElementDecoder {
  let table: Float32Array | undefined
  const unitBytes = 2 * valuesPerUnit
  const decode = (bytes: Uint8Array<ArrayBuffer>, values: Float64Array): void => {
    table ??= makeTable()
    const count = bytes.length >> 1
    for (let i = 0; i < count; i++) {
      values[i] = table[(bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8)] ?? Number.NaN
    }
  }
  return { unitBytes, valuesPerUnit, decode }
}

/** Elements of 8 bits by a table. */
function eight(table: Float64Array): ElementDecoder {
  const decode = (bytes: Uint8Array<ArrayBuffer>, values: Float64Array): void => {
    for (let i = 0; i < bytes.length; i++) values[i] = table[bytes[i] ?? 0] ?? Number.NaN
  }
  return { unitBytes: 1, valuesPerUnit: 1, decode }
}

/** What the codes above the largest number mean. "fn": only all ones is NaN; "fnuz": minus zero is NaN. */
type Specials = "ieee" | "fn" | "fnuz" | "none"

interface SmallFloat {
  readonly exponentBits: number
  readonly mantissaBits: number
  readonly bias: number
  readonly specials: Specials
}

/** Every value of a small floating-point type, by its code. */
export function smallFloatTable(format: SmallFloat): Float64Array {
  const codes = 2 ** (1 + format.exponentBits + format.mantissaBits)
  return Float64Array.from({ length: codes }, (_, code) => smallFloat(code, format))
}

function smallFloat(code: number, { exponentBits, mantissaBits, bias, specials }: SmallFloat): number {
  const half = 2 ** (exponentBits + mantissaBits)
  const sign = code >= half ? -1 : 1
  const magnitude = code % half
  const exponent = Math.floor(magnitude / 2 ** mantissaBits)
  const fraction = (magnitude % 2 ** mantissaBits) / 2 ** mantissaBits
  if (specials === "fnuz" && code === half) return Number.NaN
  if (specials === "fn" && magnitude === half - 1) return Number.NaN
  if (specials === "ieee" && exponent === 2 ** exponentBits - 1) {
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  }
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias))
}

/** Two elements in a byte, the low half first. */
function packedHalves(table: Float64Array): ElementDecoder {
  const decode = (bytes: Uint8Array<ArrayBuffer>, values: Float64Array): void => {
    for (let i = 0; i < bytes.length; i++) {
      values[2 * i] = table[(bytes[i] ?? 0) & 15] ?? Number.NaN
      values[2 * i + 1] = table[(bytes[i] ?? 0) >> 4] ?? Number.NaN
    }
  }
  return { unitBytes: 1, valuesPerUnit: 2, decode }
}

const halfTable = (): Float32Array =>
  Float32Array.from(smallFloatTable({ exponentBits: 5, mantissaBits: 10, bias: 15, specials: "ieee" }))

/** The upper half of a float32. */
const bfloatTable = (): Float32Array =>
  new Float32Array(Uint32Array.from({ length: 65_536 }, (_, code) => code << 16).buffer)

const fp8 = (exponentBits: number, mantissaBits: number, bias: number, specials: Specials): ElementDecoder =>
  eight(smallFloatTable({ exponentBits, mantissaBits, bias, specials }))

/** Powers of two alone; the last code is NaN. */
const SCALES = Float64Array.from({ length: 256 }, (_, code) =>
  code === 255 ? Number.NaN : 2 ** (code - 127),
)

const HALF = sixteen(halfTable)
const FLOAT = (parts: number): ElementDecoder => plain(4 * parts, (...at) => new Float32Array(...at), parts)
const DOUBLE = (parts: number): ElementDecoder => plain(8 * parts, (...at) => new Float64Array(...at), parts)

/** By torch's name of the dtype. Quantized and sub-byte integers are not among them. */
const DECODERS: ReadonlyMap<string, ElementDecoder> = new Map([
  ["uint8", plain(1, (...at) => new Uint8Array(...at))],
  ["int8", plain(1, (...at) => new Int8Array(...at))],
  ["int16", plain(2, (...at) => new Int16Array(...at))],
  ["int32", plain(4, (...at) => new Int32Array(...at))],
  ["int64", wide((...at) => new BigInt64Array(...at))],
  ["float16", HALF],
  ["float32", FLOAT(1)],
  ["float64", DOUBLE(1)],
  ["complex32", { ...HALF, unitBytes: 4, valuesPerUnit: 2 }],
  ["complex64", FLOAT(2)],
  ["complex128", DOUBLE(2)],
  ["bool", eight(Float64Array.from({ length: 256 }, (_, code) => Math.min(code, 1)))],
  ["bfloat16", sixteen(bfloatTable)],
  ["float8_e5m2", fp8(5, 2, 15, "ieee")],
  ["float8_e4m3fn", fp8(4, 3, 7, "fn")],
  ["float8_e5m2fnuz", fp8(5, 2, 16, "fnuz")],
  ["float8_e4m3fnuz", fp8(4, 3, 8, "fnuz")],
  ["uint16", plain(2, (...at) => new Uint16Array(...at))],
  ["uint32", plain(4, (...at) => new Uint32Array(...at))],
  ["uint64", wide((...at) => new BigUint64Array(...at))],
  ["float8_e8m0fnu", eight(SCALES)],
  [
    "float4_e2m1fn_x2",
    packedHalves(smallFloatTable({ exponentBits: 2, mantissaBits: 1, bias: 1, specials: "none" })),
  ],
])

/** How to read elements of `torchDtype`; undefined where they stand for no numbers. */
export function decoderFor(torchDtype: string): ElementDecoder | undefined {
  return DECODERS.get(torchDtype)
}

/** Whether its elements are whole numbers, of which few are told apart one by one. */
export function isWhole(torchDtype: string): boolean {
  return /^(u?int\d|bool)/.test(torchDtype)
}
