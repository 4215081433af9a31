/** Compares bytes without anything of Node's. */

import type { Problems } from "../hostile/run-case.ts"

/** Nothing where `actual` equals `expected`. */
export function differences(what: string, actual: Uint8Array, expected: Uint8Array): Problems {
  if (actual.length !== expected.length) return [`${what}: ${actual.length} bytes, not ${expected.length}`]
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  return at < 0 ? [] : [`${what}: byte ${at} is ${actual[at]}, not ${expected[at]}`]
}

/** Bytes that came in pieces. */
export async function joined(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const chunk of chunks) parts.push(chunk.slice())
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}
