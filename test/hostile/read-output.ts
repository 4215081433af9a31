/** A small reader of safetensors files that shares nothing with the library. It checks what it relies on. */

import type { ExpectedTensor } from "./case.ts"

/** What a file holds. */
export interface Output {
  readonly tensors: readonly ExpectedTensor[]
  readonly metadata: Readonly<Record<string, string>>
}

interface HeaderRow {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** Reads a file whose data the tensors tile. */
export function readOutput(file: Uint8Array): Output {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const headerBytes = Number(view.getBigUint64(0, true))
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
    file.subarray(8, 8 + headerBytes),
  )
  if (!text.startsWith("{") || headerBytes % 8 !== 0) throw new Error("the header is no aligned object")
  const start = 8 + headerBytes
  let metadata: Readonly<Record<string, string>> = {}
  let covered = 0
  const tensors: ExpectedTensor[] = []
  // `JSON.parse` makes own properties of all names, `__proto__` too.
  for (const [name, row] of Object.entries<HeaderRow | Readonly<Record<string, string>>>(JSON.parse(text))) {
    if (name === "__metadata__") {
      metadata = row as Readonly<Record<string, string>>
      continue
    }
    const { dtype, shape, data_offsets: offsets } = row as HeaderRow
    covered += offsets[1] - offsets[0]
    tensors.push({ name, dtype, shape, bytes: file.subarray(start + offsets[0], start + offsets[1]) })
  }
  if (start + covered !== file.byteLength) throw new Error(`${covered} bytes of data are described`)
  return { tensors, metadata }
}
