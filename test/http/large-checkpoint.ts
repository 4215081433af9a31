/** A checkpoint of gigabytes that nobody holds: its storages are one and the same run of zeros. */

import { PLAIN_STYLE, zipMembers } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import type { TestTensor } from "../property/model.ts"
import { zipParts } from "../property/zip-writer.ts"
import type { ServedFile } from "./file-server.ts"

/** `count` tensors of `byteLength` bytes each. */
export function largeCheckpoint(count: number, byteLength: number): ServedFile {
  const bytes = new Uint8Array(byteLength)
  const dtype = dtypeNamed("bfloat16")
  const tensors = Array.from({ length: count }, (_, i): [string, TestTensor] => {
    const shape = [byteLength / 2]
    const storage = { key: String(i), dtype, bytes }
    const name = `model.layers.${i}.self_attn.q_proj.weight`
    const bits = { conj: false, neg: false, untyped: false, parameter: false }
    return [name, { kind: "tensor", storage, dtype, offset: 0, shape, strides: [1], viewStart: 0, ...bits }]
  })
  return inParts(zipParts(zipMembers(new Map(tensors), PLAIN_STYLE), PLAIN_STYLE))
}

function inParts(parts: readonly Uint8Array[]): ServedFile {
  const byteLength = parts.reduce((sum, { length }) => sum + length, 0)
  const slice = (start: number, end: number): Uint8Array => {
    const pieces: Uint8Array[] = []
    let at = 0
    for (const part of parts) {
      const [from, to] = [Math.max(start - at, 0), Math.min(end - at, part.length)]
      if (from < to) pieces.push(part.subarray(from, to))
      at += part.length
    }
    return Buffer.concat(pieces)
  }
  return { byteLength, slice }
}
