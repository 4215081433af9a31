/** An open checkpoint: its tensors, plain values and plans, while its source is held. */

import { atOnce, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { rootCandidates } from "../checkpoint/checkpoint-level.ts"
import { isContainer } from "../checkpoint/child-cursor.ts"
import type { RootCandidate } from "../checkpoint/errors.ts"
import { type ConversionReport, LONE_TENSOR_NAME, type PlanOptions } from "../checkpoint/plan-checkpoint.ts"
import { nameTensorsSteps, takeCensus, takeCensusSteps } from "../checkpoint/walk-tensors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { NAME_DUPLICATE } from "../safetensors/errors.ts"
import { type FoundTensor, isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import type { CheckpointLayout } from "../torch/checkpoint-contents.ts"
import { type OpenedContents, planContentsSteps } from "./opened-contents.ts"
import type { SafetensorsOutput } from "./outputs.ts"
import { type PlainValue, plainValueAt, toPlainValue } from "./plain-values.ts"
import { type Planned, TensorFile } from "./tensor-file.ts"

/** A checkpoint that has been opened. Close it, or let `await using` do so. */
export class Checkpoint<Output = SafetensorsOutput> extends TensorFile<
  ConversionReport,
  PlanOptions,
  Output
> {
  /** How the file is laid out. */
  readonly format: CheckpointLayout
  readonly #opened: OpenedContents<Output>
  #found: ReadonlyMap<string, FoundTensor> | undefined
  #plain: { readonly values: PlainValue } | undefined

  /** Made by `openCheckpoint`. */
  constructor(opened: OpenedContents<Output>) {
    super(opened)
    this.format = opened.contents.layout
    this.#opened = opened
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

  /**
   * The value under those keys: `valueAt("optimizer", "param_groups", 0, "lr")`. Undefined where there is none.
   *
   * @throws as `values`.
   */
  valueAt(...keys: readonly (string | number)[]): PlainValue | undefined {
    return plainValueAt(this.values, keys)
  }

  /** The globals that its pickles name, all of which are on the list of allowed ones. Sorted. */
  get globals(): readonly string[] {
    return this.#opened.contents.globals.map(({ module, name }) => `${module}.${name}`).sort()
  }

  /**
   * Where a state dict may be: everything that holds tensors at the top of the checkpoint and one level below. Each path
   * can be given as `root`.
   *
   * @throws `pickle-cycle`, `limit-exceeded`.
   */
  get candidates(): readonly RootCandidate[] {
    const { contents, bounds } = this.#opened
    return rootCandidates(contents.value, takeCensus(contents.value, bounds.limits))
  }

  protected override planned(options: PlanOptions): Planned<ConversionReport> {
    return atOnce(planContentsSteps(this.#opened, options))
  }

  protected override found(): ReadonlyMap<string, FoundTensor> {
    this.#found ??= atOnce(this.#findTensors())
    return this.#found
  }

  #toPlainValues(): PlainValue {
    const { contents, bounds } = this.#opened
    // Bounds the number of parts.
    takeCensus(contents.value, bounds.limits)
    return toPlainValue(contents.value, bounds.limits)
  }

  *#findTensors(): Steps<ReadonlyMap<string, FoundTensor>> {
    const { contents, bounds } = this.#opened
    const { value } = contents
    const found = new Map<string, FoundTensor>()
    if (isTensor(value) || isUnsupportedTensor(value)) {
      found.set(LONE_TENSOR_NAME, { name: LONE_TENSOR_NAME, tensor: value })
    }
    if (!isContainer(value)) return found
    const { limits } = bounds
    const census = yield* takeCensusSteps(value, limits)
    for (const each of yield* nameTensorsSteps(value, census, limits, contents.memory.copy())) {
      const { name } = each
      if (found.size % STEP_ITEMS === 0) yield
      if (found.has(name))
        throw new CheckpointError(NAME_DUPLICATE, { name, problem: "two tensors have this name" })
      found.set(name, each)
    }
    return found
  }
}
