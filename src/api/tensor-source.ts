/** One tensor of an open input: a source of its bytes, and its values as typed arrays. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { invalidArgument } from "../bytes/failures.ts"
import { MemorySink } from "../bytes/sinks.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { TENSOR_UNSUPPORTED } from "../plan/errors.ts"
import {
  inflatedBytesAllowed,
  type PlanBounds,
  requireGatheredWithin,
  requireInflatedWithin,
  requireOutputWithin,
  tensorSegment,
} from "../plan/plan.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import { elementCountOf } from "../strided/view.ts"
import { type NamedTensor, type Target, type Tensor, targetOf, tensorByteLength } from "../tensors/tensor.ts"
import type { TypedArrayOf } from "../tensors/typed-arrays.ts"
import { quoteText } from "../text/quote-text.ts"
import { PlannedOutput } from "../transfer/planned-output.ts"
import { runPlan, sizesFor } from "../transfer/run-plan.ts"
import type { TransferPlan } from "../transfer/transfer-plan.ts"
import type { Codecs } from "./opened-contents.ts"

/** What tensors of one input are read with. */
export interface TensorReading {
  readonly codecs: Codecs
  readonly bounds: PlanBounds
  /** Extents whose checksums have been found right: a storage with many tensors is not read whole for each. */
  readonly checked: Set<ByteExtent>
}

interface SignalOption {
  /** Ends the work; its reason is what gets thrown. */
  readonly signal?: AbortSignal | undefined
}

/** The part of a storage that is held while a strided tensor is read piece by piece. */
const WINDOW_BYTES = 8 * 1024 * 1024

const NO_HEADER = /* @__PURE__ */ new Uint8Array(0)

/**
 * A tensor of an open checkpoint or safetensors file. Nothing is read before it is asked for. As a source it gives the bytes
 * of the tensor as safetensors holds them: in C order, little-endian.
 */
export class TensorSource implements ByteSource {
  readonly name: string
  /** torch's name of the dtype, such as `bfloat16`. */
  readonly torchDtype: string
  /** Its dtype in safetensors; undefined when there is none. */
  readonly dtype: SafetensorsDtype | undefined
  /** Sizes, outermost dimension first: as torch counts them, or as the header of a safetensors file does. */
  readonly shape: readonly number[]
  /** Bytes of all of it. */
  readonly byteLength: number
  readonly readCost: "low" | "high"
  readonly #tensor: Tensor
  readonly #reading: TensorReading
  readonly #plan: TransferPlan
  /** False for a part of a tensor: checking the storage would read what nobody asked for. */
  readonly #checks: boolean
  #output: PlannedOutput | undefined

  /** Made by `tensor()`. @throws `limit-exceeded` when it would be far larger than its input. */
  constructor({ name, tensor, target: given }: NamedTensor, reading: TensorReading, checks = true) {
    const target = given ?? targetOf(tensor)
    this.name = name
    this.torchDtype = tensor.dtype.name
    this.dtype = "reason" in target ? undefined : target.dtype
    this.shape = given?.shape ?? tensor.shape
    this.byteLength = tensorByteLength(tensor)
    this.#tensor = tensor
    this.#reading = reading
    this.#checks = checks
    const { extent } = tensor.storage
    this.readCost = extent.source.readCost ?? "low"
    const { bounds } = reading
    const { byteLength } = this
    const segments = byteLength === 0 ? [] : [tensorSegment(tensor, 0, 0)]
    requireOutputWithin(bounds, byteLength)
    requireInflatedWithin(bounds, segments.length === 0 ? [] : [extent])
    requireGatheredWithin(bounds, segments)
    this.#plan = {
      header: NO_HEADER,
      byteLength,
      segments,
      extents: [extent],
      checkedExtents: extent.crc32 === undefined || reading.checked.has(extent) ? [] : [extent],
      maxInflatedBytes: inflatedBytesAllowed(bounds),
    }
  }

  /**
   * The bytes of `[offset, offset + length)`. It takes that much memory, and up to 8 MiB where strided elements are picked.
   * A storage is checked against its checksum when it is read whole by reads in order; parts by themselves are not.
   *
   * @throws as `PlannedOutput.read`.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    this.#output ??= new PlannedOutput(this.#plan, {
      ...this.#reading.codecs,
      sizes: { ...sizesFor(this.#plan), windowBytes: WINDOW_BYTES },
    })
    return this.#output.read(offset, length, signal)
  }

  /**
   * All bytes. The whole storage that the tensor lies in is checked against its checksum, once for all its tensors; not so
   * for `rows()` of a tensor.
   *
   * @throws whatever reading throws.
   */
  async bytes({ signal }: SignalOption = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { checked, codecs } = this.#reading
    const [extent] = this.#plan.extents as [ByteExtent]
    const checks = this.#checks && this.byteLength > 0 && extent.crc32 !== undefined && !checked.has(extent)
    const sink = new MemorySink()
    await runPlan({ ...this.#plan, checkedExtents: checks ? [extent] : [] }, sink, { ...codecs, signal })
    if (checks) checked.add(extent)
    return sink.bytes
  }

  /**
   * The values in a typed array: `Float32Array` for F32, `BigInt64Array` for I64 and so on. What JavaScript has no array for
   * comes as bits: F16 and BF16 in a `Uint16Array`, F8 in a `Uint8Array`; C64 as pairs in a `Float32Array`.
   *
   * @throws as `bytes`; `tensor-unsupported` for a dtype that safetensors does not have.
   */
  async toTypedArray(options: SignalOption = {}): Promise<TypedArrayOf<SafetensorsDtype>> {
    const dtype = this.#requireDtype()
    const { toTypedArray } = await import("../tensors/typed-arrays.ts")
    return toTypedArray(await this.bytes(options), dtype)
  }

  /**
   * The values as float32, the nearest where one has more digits.
   *
   * @throws as `toTypedArray`; `invalid-argument` for complex numbers.
   */
  async toFloat32Array(options: SignalOption = {}): Promise<Float32Array<ArrayBuffer>> {
    const dtype = this.#requireDtype()
    const { toFloat32Array } = await import("../tensors/typed-arrays.ts")
    return toFloat32Array(await this.bytes(options), dtype)
  }

  /**
   * Rows `[from, to)` along the first dimension, as a tensor of its own. The other rows are not read.
   *
   * @throws `invalid-argument` for rows that are not there, for a tensor without dimensions, and for rows of packed elements
   *   that fill no whole bytes.
   */
  rows(from: number, to: number): TensorSource {
    const tensor = this.#tensor
    const { shape, strides, elementOffset } = tensor
    const [rows] = this.shape
    if (rows !== shape[0])
      throw invalidArgument("rows", `rows of ${quoteText(this.name)} fill no whole bytes`)
    const inside = Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to
    if (rows === undefined || !inside || to > rows) {
      const problem = `there are no rows ${from} to ${to}: ${quoteText(this.name)} has ${rows ?? "no"} rows`
      throw invalidArgument("rows", problem)
    }
    const part = {
      shape: [to - from, ...shape.slice(1)],
      strides,
      elementOffset: elementOffset + from * (strides[0] ?? 0),
    }
    // Packed elements are counted as the header counts them.
    const isPacked = this.dtype !== undefined && this.shape !== shape
    return this.#part(
      part,
      isPacked ? { dtype: this.dtype, shape: [to - from, ...this.shape.slice(1)] } : undefined,
    )
  }

  /**
   * The same elements in the order in which they are stored, dimensions permuted: what only counts or sums them reads a
   * transposed tensor from its front to its back that way. Dimensions of size 1 come last.
   */
  inStorageOrder(): TensorSource {
    const { shape, strides, elementOffset } = this.#tensor
    // Nobody steps along a dimension of size 1: its stride says nothing.
    const stepOf = (d: number): number => (shape[d] === 1 ? 0 : (strides[d] as number))
    const order = [...shape.keys()].sort((a, b) => stepOf(b) - stepOf(a))
    const permuted = (values: readonly number[]): number[] => order.map((d) => values[d] as number)
    return this.#part({ shape: permuted(shape), strides: permuted(strides), elementOffset })
  }

  #part(view: Pick<Tensor, "shape" | "strides" | "elementOffset">, target?: Target): TensorSource {
    const tensor = { ...this.#tensor, ...view, elementCount: elementCountOf(view.shape) }
    return new TensorSource({ name: this.name, tensor, target }, this.#reading, false)
  }

  #requireDtype(): SafetensorsDtype {
    if (this.dtype !== undefined) return this.dtype
    const reason = `safetensors has no dtype for ${this.torchDtype}`
    throw new CheckpointError(TENSOR_UNSUPPORTED, { tensors: [{ name: this.name, reason }] })
  }

  /** Lets go of what is held between reads. */
  async close(): Promise<void> {
    await this.#output?.close()
  }
}
