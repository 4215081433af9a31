/** Values as float32, bit for bit as `tensor.to(torch.float32)` has them: every pattern of one and two bytes, many of more. */

import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, it } from "vitest"
import type { SafetensorsDtype } from "../../src/safetensors/dtypes.ts"
import { toFloat32Array } from "../../src/tensors/typed-arrays.ts"

const PYTHON = fileURLToPath(new URL("../../.oracle/venv/bin/python", import.meta.url))

/** One process for all of them, because it takes two seconds to start. */
const SCRIPT = `
import sys, torch
for case in sys.argv[1:]:
    dtype, length = case.split(":")
    stored = torch.frombuffer(bytearray(sys.stdin.buffer.read(int(length))), dtype=torch.uint8)
    values = stored.view(getattr(torch, dtype)).to(torch.float32)
    sys.stdout.buffer.write(values.numpy().tobytes())
`

const BYTES = Uint8Array.from({ length: 256 }, (_, code) => code)
const PAIRS = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, code) => code).buffer)

/** Integers around powers of two and around the halfway points between the floats above these, and everything between. */
function wideIntegers(bits: 32 | 64): Uint8Array<ArrayBuffer> {
  const values = Array.from({ length: 64 }, (_, exponent) => 1n << BigInt(exponent)).flatMap((power) =>
    Array.from({ length: 128 }, (_, i) => power + (BigInt(i) * power) / 128n).flatMap((value) =>
      [0n, power >> 24n, power >> 23n].flatMap((half) =>
        [-1n, 0n, 1n].flatMap((step) => [value + half + step, -(value + half + step)]),
      ),
    ),
  )
  const array =
    bits === 64
      ? BigInt64Array.from(values)
      : Int32Array.from(values, (each) => Number(BigInt.asIntN(32, each)))
  return new Uint8Array(array.buffer)
}

/** Doubles of every exponent, with mantissas that round to each side of a float32 and to the even one. */
function doubles(): Uint8Array<ArrayBuffer> {
  const mantissas = [0n, 1n, (1n << 52n) - 1n, 1n << 28n, (1n << 28n) + 1n, (1n << 28n) - 1n, 3n << 28n]
  const patterns = Array.from({ length: 4096 }, (_, top) => BigInt(top) << 52n)
  return new Uint8Array(
    BigUint64Array.from(patterns.flatMap((top) => mantissas.map((each) => top | each))).buffer,
  )
}

const CASES: readonly (readonly [SafetensorsDtype, string, Uint8Array<ArrayBuffer>])[] = [
  ["BOOL", "bool", BYTES.slice(0, 2)],
  ["U8", "uint8", BYTES],
  ["I8", "int8", BYTES],
  ["F8_E4M3", "float8_e4m3fn", BYTES],
  ["F8_E4M3FNUZ", "float8_e4m3fnuz", BYTES],
  ["F8_E5M2", "float8_e5m2", BYTES],
  ["F8_E5M2FNUZ", "float8_e5m2fnuz", BYTES],
  ["F8_E8M0", "float8_e8m0fnu", BYTES],
  ["U16", "uint16", PAIRS],
  ["I16", "int16", PAIRS],
  ["F16", "float16", PAIRS],
  ["BF16", "bfloat16", PAIRS],
  ["U32", "uint32", wideIntegers(32)],
  ["I32", "int32", wideIntegers(32)],
  ["F32", "float32", wideIntegers(32)],
  ["U64", "uint64", wideIntegers(64)],
  ["I64", "int64", wideIntegers(64)],
  ["F64", "float64", doubles()],
]

/** Bits of float32, in hexadecimal to be read, with every NaN as one. */
function bitsOf(values: Float32Array): string[] {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Array.from(bits, (each, at) => (Number.isNaN(values[at]) ? "NaN" : each.toString(16)))
}

/** What torch makes of all cases, one after the other. */
let theirs: Buffer<ArrayBufferLike>

beforeAll(() => {
  const cases = CASES.map(([, torchDtype, bytes]) => `${torchDtype}:${bytes.length}`)
  const input = Buffer.concat(CASES.map(([, , bytes]) => bytes))
  theirs = execFileSync(PYTHON, ["-W", "ignore", "-c", SCRIPT, ...cases], { input, maxBuffer: 2 ** 26 })
})

it.each(CASES)("%s as torch's %s", (dtype, _, bytes) => {
  const ours = toFloat32Array(bytes, dtype)
  const expected = Uint8Array.from(theirs.subarray(0, ours.byteLength))
  theirs = theirs.subarray(ours.byteLength)
  expect(bitsOf(ours)).toEqual(bitsOf(new Float32Array(expected.buffer)))
})

afterAll(() => {
  expect(theirs).toHaveLength(0)
})
