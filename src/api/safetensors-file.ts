/** An open safetensors file: its tensors and metadata, and plans to write it anew. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { atOnce } from "../bytes/turns.ts"
import type { PlanReport } from "../plan/plan.ts"
import type { TensorOptions } from "../plan/plan-options.ts"
import { type NamedSource, planTensorsSteps } from "../plan/plan-tensors.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import type { SafetensorsTensor } from "../safetensors/header-entries.ts"
import type { SafetensorsHeader } from "../safetensors/parse-header.ts"
import type { ElementTransform } from "../strided/elements.ts"
import { elementCountOf } from "../strided/view.ts"
import { DTYPES, type Dtype, type NamedTensor, type Storage } from "../tensors/tensor.ts"
import type { OpenedSources } from "./opened-contents.ts"
import { requireOptions } from "./options.ts"
import type { SafetensorsOutput } from "./outputs.ts"
import { type Planned, TensorFile } from "./tensor-file.ts"

/** A safetensors file that has been opened and found valid. Close it, or let `await using` do so. */
export class SafetensorsFile<Output = SafetensorsOutput> extends TensorFile<
  PlanReport,
  TensorOptions,
  Output
> {
  readonly format = "safetensors"
  readonly header: SafetensorsHeader
  readonly #opened: OpenedSources<Output>
  #found: ReadonlyMap<string, NamedTensor> | undefined

  /** Made by `openSafetensors`. */
  constructor(opened: OpenedSources<Output>, header: SafetensorsHeader) {
    super(opened)
    this.header = header
    this.#opened = opened
  }

  /** Free text by key; empty when the file has none. */
  get metadata(): ReadonlyMap<string, string> {
    return this.header.metadata ?? new Map()
  }

  /** Its own metadata is kept, and `format: "pt"` where it has no format, unless `metadata` says otherwise. */
  protected override planned(options: TensorOptions): Planned<PlanReport> {
    requireOptions(options)
    const { sources, bounds } = this.#opened
    const found = [...this.found().values()]
    const metadata = new Map([["format", "pt"], ...this.metadata])
    const input = { found, sources, storageCount: found.length, checksums: "none", metadata } as const
    return atOnce(planTensorsSteps(input, options, bounds))
  }

  protected override found(): ReadonlyMap<string, NamedTensor> {
    const [{ source }] = this.#opened.sources as [NamedSource]
    this.#found ??= new Map(tensorsOf(this.header, source).map((each) => [each.name, each]))
    return this.#found
  }
}

// The tensors of a safetensors file as tensors like any other: each has a storage of its own.

/** Bytes other than 0 and 1 are written as 1, whatever they come from. */
const BOOLS: ElementTransform = /* @__PURE__ */ Object.freeze({
  partBytes: 1,
  swapBytes: false,
  negate: "none",
  negation: "sign-bit",
  normalizeBools: true,
})

/** The tensors of the file in `source`, in the order of its header. */
export function tensorsOf(
  { tensors, dataOffset }: SafetensorsHeader,
  source: ByteSource,
): readonly NamedTensor[] {
  const dtypes = new Map(Array.from(DTYPES.values(), (dtype) => [dtype.safetensors, dtype]))
  return Array.from(tensors, ([name, tensor], index) => {
    const { dtype, shape, start, end } = tensor
    const offset = dataOffset + start
    const byteLength = end - start
    const extent = {
      ...{ source, offset, byteLength, storedLength: byteLength, name },
      coding: "stored",
      crc32: undefined,
    } as const
    const storage: Storage = { index, key: name, byteLength, location: "cpu", extent }
    const known = dtypes.get(dtype) ?? packed(dtype)
    const isPacked = known.itemBytes * elementCountOf(shape) !== byteLength
    const stored = isPacked ? packedShape(tensor) : shape
    return {
      name,
      tensor: {
        kind: "object:tensor",
        dtype: known,
        shape: stored,
        strides: stridesOf(stored),
        elementCount: elementCountOf(stored),
        elementOffset: 0,
        storage,
        transform: dtype === "BOOL" ? BOOLS : undefined,
      },
      target: { dtype, shape },
    }
  })
}

/** A dtype that torch does not have: its elements are bytes in which several are packed. */
function packed(dtype: SafetensorsDtype): Dtype {
  return { name: dtype.toLowerCase(), itemBytes: 1, partBytes: 1, family: "opaque", safetensors: dtype }
}

/** Elements of less than a byte as the bytes that they are packed in, row by row where a row fills whole bytes. */
function packedShape({ shape, start, end }: SafetensorsTensor): readonly number[] {
  const byteLength = end - start
  const [rows = 1] = shape
  return rows > 0 && byteLength % rows === 0 ? [rows, byteLength / rows] : [byteLength]
}

/** Steps of elements that lie in C order without gaps. */
function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step
    step *= shape[d] as number
  }
  return strides
}
