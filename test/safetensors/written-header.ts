/** Headers as they stand in a file. */

import { atOnce } from "../../src/bytes/turns.ts"
import type { Limits } from "../../src/limits/limits.ts"
import type { HeaderTensor, WrittenHeader } from "../../src/safetensors/write-header.ts"
import { headerBytes, writeHeaderSteps } from "../../src/safetensors/write-header.ts"

export type WrittenBytes<Tensor> = WrittenHeader<Tensor> & { readonly bytes: Uint8Array<ArrayBuffer> }

/** The header for `tensors`, with the length that stands before it. */
export function writeHeader<Tensor extends HeaderTensor>(
  tensors: readonly Tensor[],
  metadata?: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
  limits?: Limits,
): WrittenBytes<Tensor> {
  const header = atOnce(writeHeaderSteps(tensors, metadata, limits))
  const bytes = headerBytes(header.text)
  if (bytes.length !== header.byteLength) throw new Error("a header is not as long as it says")
  return { ...header, bytes }
}
