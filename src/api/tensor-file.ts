/** An open file of tensors, whichever format it has: its tensors, plans, and what plans write. */

import "./disposable.ts"
import { type ByteExtent, locateExtents } from "../bytes/byte-extent.ts"
import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { TENSOR_UNSUPPORTED } from "../plan/errors.ts"
import type { Plan, PlanReport } from "../plan/plan.ts"
import type { TensorOptions } from "../plan/plan-options.ts"
import { sharedNames } from "../plan/resolve-sharing.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import { elementCountOf, isContiguous } from "../strided/view.ts"
import {
  type AnyTensor,
  type FoundTensor,
  isTensor,
  type NamedTensor,
  type Target,
  type Tensor,
  targetOf,
  tensorByteLength,
} from "../tensors/tensor.ts"
import { nearestNames } from "../text/nearest-names.ts"
import { quoteText } from "../text/quote-text.ts"
import { PlannedOutput } from "../transfer/planned-output.ts"
import { transferPlan } from "../transfer/transfer-plan.ts"
import { type ConvertedBlob, convertedBlob, type PlanBlobOptions } from "./converted-blob.ts"
import type { OpenedSources } from "./opened-contents.ts"
import { requireOptions } from "./options.ts"
import type { SafetensorsOutput } from "./outputs.ts"
import { type TensorReading, TensorSource } from "./tensor-source.ts"
import { bindExtents, type WriteOptions, writeTo } from "./write-plan.ts"

interface SignalOption {
  readonly signal?: AbortSignal | undefined
}

/** A plan with a report of its own kind. */
export interface PlanOf<Report extends PlanReport> extends Plan {
  readonly report: Report
}

/** What was planned, and its extents as they are held open. */
export interface Planned<Report extends PlanReport> {
  readonly plan: PlanOf<Report>
  readonly extents: readonly ByteExtent[]
}

/** An open file of tensors. Close it, or let `await using` do so. */
export abstract class TensorFile<
  Report extends PlanReport = PlanReport,
  Options extends TensorOptions = TensorOptions,
  Output = SafetensorsOutput,
> implements AsyncDisposable
{
  /** Bytes of the file. */
  readonly byteLength: number
  readonly #opened: OpenedSources<Output>
  readonly #reading: TensorReading
  /** The extents of plans that were made here, with what finds them. */
  readonly #extents = new WeakMap<Plan, readonly ByteExtent[]>()
  #described: ReadonlyMap<string, TensorInfo> | undefined
  #closed: Promise<void> | undefined

  protected constructor(opened: OpenedSources<Output>) {
    this.byteLength = opened.bounds.inputByteLength
    this.#opened = opened
    const { bounds, platform } = opened
    this.#reading = { codecs: platform, bounds, checked: new Set() }
  }

  /** Tensors by name, found once. */
  protected abstract found(): ReadonlyMap<string, FoundTensor>

  /** Does the work of `found` while the event loop turns. */
  protected async findInTurns(_signal: AbortSignal | undefined): Promise<void> {}

  /** Plans anew each time. */
  protected abstract planned(options: Options): Planned<Report>

  /**
   * Every tensor of the file by its name: of a checkpoint the dotted one from the top, as `root: "all"` would have it.
   *
   * @throws `name-type`, `name-duplicate`, `pickle-cycle`, `limit-exceeded`.
   */
  get tensors(): ReadonlyMap<string, TensorInfo> {
    this.#described ??= new Map(
      Array.from(this.found().values(), ({ name, tensor, target }) => [name, describeTensor(tensor, target)]),
    )
    return this.#described
  }

  /**
   * Names of tensors that overlap in memory, in chains: what `shared: "error"` refuses.
   *
   * @throws as `tensors`.
   */
  get sharedMemory(): readonly (readonly string[])[] {
    return sharedNames([...this.found().values()].filter(isNamedTensor))
  }

  /**
   * What writing its tensors to a safetensors file would do. Reads nothing.
   *
   * @throws `no-tensors`, `root-ambiguous`, `root-not-found`, `name-…`, `tensor-unsupported`, `tensors-shared`,
   *   `limit-exceeded`, `invalid-argument`.
   */
  plan(options: Options = {} as Options): PlanOf<Report> {
    const { plan, extents } = this.planned(options)
    this.#extents.set(plan, extents)
    return plan
  }

  /**
   * `plan`, with the offset of every extent. Where reads are dear, opening puts off those that find them; a plan that is
   * carried out elsewhere needs them all.
   *
   * @throws as reading does.
   */
  async locate(plan: PlanOf<Report>, { signal }: SignalOption = {}): Promise<PlanOf<Report>> {
    const extents = this.#extentsOf(plan)
    await locateExtents(extents, signal)
    const located = {
      ...plan,
      extents: plan.extents.map((extent, place) => ({ ...extent, offset: extents[place]?.offset })),
    }
    this.#extents.set(located, extents)
    return located
  }

  /**
   * Carries out a plan of `plan()`: writes its output, which becomes visible when all of it has been written and checked.
   *
   * @throws as `toSafetensors`.
   */
  async write(plan: PlanOf<Report>, output: Output, options: WriteOptions = {}): Promise<Report> {
    const { platform, given } = this.#opened
    await writeTo(platform, output, [given], options, async () => transferPlan(plan, this.#extentsOf(plan)))
    return plan.report
  }

  /**
   * What a plan of `plan()` writes, as a Blob. From a `File` or `Blob`, contiguous tensors become slices of the input: see
   * `ConvertedBlob` for the rest.
   *
   * @throws as `toSafetensorsBlob`.
   */
  async toBlob(plan: PlanOf<Report>, options: PlanBlobOptions = {}): Promise<ConvertedBlob<Report>> {
    requireOptions(options)
    const bound = transferPlan(plan, this.#extentsOf(plan))
    return convertedBlob(this.#opened.platform, bound, plan.report, options)
  }

  /**
   * What a plan would write, as a source: any part of it is made when it is read, and nothing else is. A server can
   * answer range requests for a file with it that was never written. Close it when it is of no more use.
   *
   * `plan` is one of `plan()`.
   */
  output(plan: Plan): PlannedOutput {
    return new PlannedOutput(transferPlan(plan, this.#extentsOf(plan)), this.#opened.platform)
  }

  /**
   * A tensor, of which nothing is read before it is asked for. `name` is a key of `tensors`.
   *
   * @throws `invalid-argument` for a name that is not there; `tensor-unsupported`; `limit-exceeded` when it would be
   *   far larger than the file.
   */
  tensor(name: string): TensorSource {
    const found = this.found().get(name)
    if (found === undefined) throw this.#noTensor(name)
    if (isNamedTensor(found)) return new TensorSource(found, this.#reading)
    const reason = isTensor(found.tensor) ? "" : `it is ${found.tensor.reason}`
    throw new CheckpointError(TENSOR_UNSUPPORTED, { tensors: [{ name, reason }] })
  }

  /** All bytes of one tensor: `tensor(name).bytes()`, and tensors are looked for in turns. */
  async readTensor(name: string, options: SignalOption = {}): Promise<Uint8Array<ArrayBuffer>> {
    await this.findInTurns(options.signal)
    return this.tensor(name).bytes(options)
  }

  /** Lets go of the source. May be called again, which does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#opened.close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #extentsOf(plan: Plan): readonly ByteExtent[] {
    return this.#extents.get(plan) ?? bindExtents(plan, this.#opened.sources, this.#opened.bounds)
  }

  #noTensor(name: string): CheckpointError {
    const candidates = nearestNames(name, this.found().keys())
    const near =
      candidates.length === 0 ? "" : `; the nearest: ${candidates.map((each) => quoteText(each)).join(", ")}`
    const problem = `there is no tensor ${quoteText(name)}${near}`
    return new CheckpointError(INVALID_ARGUMENT, { argument: "name", problem, candidates })
  }
}

function isNamedTensor(found: FoundTensor): found is NamedTensor {
  return isTensor(found.tensor)
}

/** A tensor that can be converted. */
export interface SupportedTensorInfo {
  readonly kind: "tensor"
  /** torch's name of the dtype, such as `bfloat16`. */
  readonly torchDtype: string
  /** The dtype it gets in safetensors; undefined when there is none. */
  readonly dtype: SafetensorsDtype | undefined
  /** Sizes, outermost first: as torch counts them, or as the header of a safetensors file does. */
  readonly shape: readonly number[]
  /** Steps in elements. */
  readonly strides: readonly number[]
  /** First element in the storage, in elements. */
  readonly elementOffset: number
  readonly elementCount: number
  /** Bytes in C order. */
  readonly byteLength: number
  /** True when its bytes stand in the file as safetensors wants them; of a bool tensor, when all are 0 or 1. */
  readonly contiguous: boolean
  readonly storage: {
    /** As the pickle names it. Tensors with the same key share memory. */
    readonly key: string
    readonly byteLength: number
    /** The device it was saved from. */
    readonly location: string
  }
}

/** A tensor that is understood and cannot be converted. */
export interface UnsupportedTensorInfo {
  readonly kind: "unsupported-tensor"
  readonly reason: string
}

export type TensorInfo = SupportedTensorInfo | UnsupportedTensorInfo

/** `given` is how an input holds it that says so itself: a safetensors file. */
export function describeTensor(tensor: AnyTensor, given?: Target): TensorInfo {
  if (!isTensor(tensor)) return { kind: "unsupported-tensor", reason: tensor.reason }
  const target = given ?? targetOf(tensor)
  const { shape, strides, elementOffset, elementCount, storage, transform } = tensor
  return {
    kind: "tensor",
    torchDtype: tensor.dtype.name,
    dtype: "reason" in target ? undefined : target.dtype,
    shape: given?.shape ?? shape,
    strides,
    elementOffset,
    elementCount: given === undefined ? elementCount : elementCountOf(given.shape),
    byteLength: tensorByteLength(tensor),
    contiguous: isContiguous(tensor) && (transform === undefined || isPlain(transform)),
    storage: { key: storage.key, byteLength: storage.byteLength, location: storage.location },
  }
}

/** Whether elements are only looked at. */
function isPlain({ swapBytes, negate }: NonNullable<Tensor["transform"]>): boolean {
  return !swapBytes && negate === "none"
}
