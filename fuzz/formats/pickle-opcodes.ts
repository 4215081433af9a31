/** Where the opcodes of a pickle begin, by the table of CPython's pickletools and not by the library's. */

import opcodes from "../../test/pickle/cpython-opcodes.json"

/** Bytes of an argument; below zero, bytes of the length before it; "lines" of text. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ...([
    ["uint1", 1],
    ["uint2", 2],
    ["uint4", 4],
    ["int4", 4],
    ["uint8", 8],
    ["float8", 8],
  ] as const),
  ...["long1", "string1", "bytes1", "unicodestring1"].map((name) => [name, -1] as const),
  ...["long4", "string4", "bytes4", "unicodestring4"].map((name) => [name, -4] as const),
  ...["bytes8", "bytearray8", "unicodestring8"].map((name) => [name, -8] as const),
])

const BY_CODE: ReadonlyMap<number, string | null> = new Map(opcodes.map(({ code, arg }) => [code, arg]))

/** Opcode bytes that take nothing, and those that do. */
export const OPCODES: readonly { readonly code: number; readonly arg: string | null }[] = opcodes

const STOP = 0x2e

/** The first byte of each opcode from `start` on, STOP included, and where the last one ends; it may be cut off. */
export function pickleOpcodes(
  bytes: Uint8Array,
  start = 0,
): { starts: readonly number[]; end: number | undefined } {
  const starts: number[] = []
  for (let at = start; at < bytes.length; ) {
    starts.push(at)
    const end = opcodeEnd(bytes, at)
    if (end === undefined || end > bytes.length) break
    if (bytes[at] === STOP) return { starts, end }
    at = end
  }
  return { starts, end: undefined }
}

/** Where the pickle at `start` ends, or undefined. */
export function pickleEnd(bytes: Uint8Array, start = 0): number | undefined {
  return pickleOpcodes(bytes, start).end
}

function opcodeEnd(bytes: Uint8Array, at: number): number | undefined {
  const arg = BY_CODE.get(bytes[at] as number)
  if (arg === undefined) return undefined
  if (arg === null) return at + 1
  const size = SIZES.get(arg)
  if (size === undefined)
    return lineEnd(bytes, arg === "stringnl_noescape_pair" ? lineEnd(bytes, at + 1) : at + 1)
  if (size > 0) return at + 1 + size
  let length = 0n
  for (let i = -size - 1; i >= 0; i--) length = length * 256n + BigInt(bytes[at + 1 + i] ?? 0)
  return at + 1 - size + Number(length)
}

function lineEnd(bytes: Uint8Array, from: number): number {
  const feed = bytes.indexOf(0x0a, from)
  return feed < 0 ? bytes.length + 1 : feed + 1
}
