/** An open checkpoint: its tensors, plain values and plans, while its source is held. */

import "./disposable.ts"
import type { ByteExtent } from "../bytes/byte-extent.ts"
import { MemorySink } from "../bytes/memory-sink.ts"
import { atOnce, inTurns, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors.ts"
import { nearestNames } from "../nearest-names.ts"
import type { ConversionPlan } from "../plan/conversion-plan.ts"
import type { PlanBounds } from "../plan/plan-conversion.ts"
import {
  inflatedBytesAllowed,
  LONE_TENSOR_NAME,
  requireGatheredWithin,
  requireInflatedWithin,
  requireOutputWithin,
} from "../plan/plan-conversion.ts"
import type { PlanOptions } from "../plan/plan-options.ts"
import { sharedNames } from "../plan/resolve-sharing.ts"
import { tensorSegment } from "../plan/segments.ts"
import { quoteText } from "../quote-text.ts"
import type { CheckpointContents, CheckpointLayout } from "../torch/checkpoint-contents.ts"
import { isContainer } from "../torch/child-cursor.ts"
import type { AnyTensor } from "../torch/tensor-record.ts"
import { isTensor, isUnsupportedTensor } from "../torch/tensor-record.ts"
import { nameTensorsSteps, takeCensus, takeCensusSteps } from "../torch/walk-tensors.ts"
import { PlannedOutput } from "../transfer/planned-output.ts"
import { runPlan } from "../transfer/run-plan.ts"
import type { OpenedInput } from "./inputs.ts"
import type { Codecs, OpenedContents } from "./opened-contents.ts"
import { planContents } from "./opened-contents.ts"
import type { PlainValue } from "./plain-values.ts"
import { toPlainValue } from "./plain-values.ts"
import type { TensorInfo } from "./tensor-info.ts"
import { describeTensor } from "./tensor-info.ts"

/** A checkpoint that has been opened. Close it, or let `await using` do so. */
export class Checkpoint implements AsyncDisposable {
  /** How the file is laid out. */
  readonly format: CheckpointLayout
  /** Bytes of the file. */
  readonly byteLength: number
  readonly #opened: OpenedContents
  readonly #contents: CheckpointContents
  readonly #input: OpenedInput
  readonly #bounds: PlanBounds
  readonly #codecs: Codecs
  /** Extents whose checksums have been found right: a storage with many tensors is not read whole for each. */
  readonly #checked = new Set<ByteExtent>()
  #found: ReadonlyMap<string, AnyTensor> | undefined
  #described: ReadonlyMap<string, TensorInfo> | undefined
  #plain: { readonly values: PlainValue } | undefined
  #closed: Promise<void> | undefined

  /** Made by `openCheckpoint`. */
  constructor(opened: OpenedContents, { crc32, inflate }: Codecs) {
    const { contents, input, bounds } = opened
    this.format = contents.layout
    this.byteLength = input.source.byteLength
    this.#opened = opened
    this.#contents = contents
    this.#input = input
    this.#bounds = bounds
    this.#codecs = { crc32, inflate }
  }

  /**
   * Every tensor of the checkpoint by its dotted name from the top, as `root: "all"` would name it.
   *
   * @throws `name-type`, `name-duplicate`, `pickle-cycle`, `limit-exceeded`.
   */
  get tensors(): ReadonlyMap<string, TensorInfo> {
    const { byteOrder } = this.#contents
    this.#described ??= new Map(
      Array.from(this.#tensors(), ([name, tensor]) => [name, describeTensor(tensor, byteOrder)]),
    )
    return this.#described
  }

  /**
   * Names of tensors that overlap in memory, in chains: what `shared: "error"` refuses.
   *
   * @throws as `tensors`.
   */
  get sharedMemory(): readonly (readonly string[])[] {
    return sharedNames(
      [...this.#tensors()].flatMap(([name, tensor]) => (isTensor(tensor) ? [{ name, tensor }] : [])),
    )
  }

  /**
   * What torch.load would return, as plain data; tensors stand in it as `{ kind: "tensor", … }`.
   *
   * @throws `pickle-cycle`, `limit-exceeded`.
   */
  get values(): PlainValue {
    this.#plain ??= { values: this.#toPlainValues() }
    return this.#plain.values
  }

  /** The globals that its pickles name, all of which are on the list of allowed ones. Sorted. */
  get globals(): readonly string[] {
    return this.#contents.globals.map(({ module, name }) => `${module}.${name}`).sort()
  }

  /**
   * What converting it would do. Reads nothing.
   *
   * @throws `no-tensors`, `root-ambiguous`, `root-not-found`, `name-…`, `tensor-unsupported`, `tensors-shared`,
   *   `limit-exceeded`, `invalid-argument`.
   */
  plan(options: PlanOptions = {}): ConversionPlan {
    return planContents(this.#opened, options)
  }

  /**
   * What converting it would write, as a source: any part of it is made when it is read, and nothing else is. A server
   * can answer range requests for a file with it that was never written. Close it when it is of no more use.
   *
   * `plan` is one of `plan()`.
   */
  output(plan: ConversionPlan): PlannedOutput {
    return new PlannedOutput(plan, this.#codecs)
  }

  /**
   * The bytes of one tensor in C order, little-endian, as safetensors holds them; also of a dtype for which safetensors
   * has no name. `name` is a key of `tensors`.
   *
   * @throws `invalid-argument` for a name that is not there; `tensor-unsupported`; `limit-exceeded` when it would be
   *   far larger than the file; and whatever reading throws. The whole storage that it lies in is checked against its
   *   checksum once.
   */
  async readTensor(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    this.#found ??= await inTurns(this.#findTensors(), options.signal)
    const tensor = this.#found.get(name)
    if (tensor === undefined) {
      const candidates = nearestNames(name, this.#tensors().keys())
      const near =
        candidates.length === 0
          ? ""
          : `; the nearest: ${candidates.map((each) => quoteText(each)).join(", ")}`
      const problem = `there is no tensor ${quoteText(name)}${near}`
      throw new CheckpointError("invalid-argument", { argument: "name", problem, candidates })
    }
    if (!isTensor(tensor)) {
      throw new CheckpointError("tensor-unsupported", {
        tensors: [{ name, reason: `it is ${tensor.reason}` }],
      })
    }
    const segment = tensorSegment(tensor, this.#contents.byteOrder, 0)
    const { length: byteLength, extent } = segment
    requireOutputWithin(this.#bounds, byteLength)
    requireInflatedWithin(this.#bounds, [segment])
    requireGatheredWithin(this.#bounds, [segment])
    const maxInflatedBytes = inflatedBytesAllowed(this.#bounds)
    const segments = byteLength === 0 ? [] : [segment]
    const checks = byteLength > 0 && extent.crc32 !== undefined && !this.#checked.has(extent)
    const checkedExtents = checks ? [extent] : []
    const sink = new MemorySink()
    await runPlan({ segments, byteLength, checkedExtents, maxInflatedBytes }, sink, {
      ...this.#codecs,
      signal: options.signal,
    })
    if (checks) this.#checked.add(extent)
    return sink.bytes
  }

  /** Lets go of the source. May be called again, which does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#input.close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #toPlainValues(): PlainValue {
    const { value, byteOrder } = this.#contents
    const { limits } = this.#bounds
    // Bounds the number of parts.
    takeCensus(value, limits)
    return toPlainValue(value, byteOrder, limits)
  }

  #tensors(): ReadonlyMap<string, AnyTensor> {
    this.#found ??= atOnce(this.#findTensors())
    return this.#found
  }

  *#findTensors(): Steps<ReadonlyMap<string, AnyTensor>> {
    const { value } = this.#contents
    const found = new Map<string, AnyTensor>()
    if (isTensor(value) || isUnsupportedTensor(value)) found.set(LONE_TENSOR_NAME, value)
    if (!isContainer(value)) return found
    const { limits } = this.#bounds
    const census = yield* takeCensusSteps(value, limits)
    const named = yield* nameTensorsSteps(value, census, limits, this.#contents.memory.copy())
    for (const { name, tensor } of named) {
      if (found.size % STEP_ITEMS === 0) yield
      if (found.has(name))
        throw new CheckpointError("name-duplicate", { name, problem: "two tensors have this name" })
      found.set(name, tensor)
    }
    return found
  }
}
