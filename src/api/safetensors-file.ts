/** An open safetensors file: its tensors and metadata, and plans to write it anew. */

import { atOnce } from "../bytes/turns.ts"
import type { PlanReport } from "../plan/plan.ts"
import type { TensorOptions } from "../plan/plan-options.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import { planTensorsSteps } from "../plan/plan-tensors.ts"
import type { SafetensorsHeader } from "../safetensors/parse-header.ts"
import { tensorsOf } from "../tensors/from-safetensors.ts"
import type { NamedTensor } from "../tensors/tensor.ts"
import { requireOptions } from "./check-options.ts"
import type { OpenedSources } from "./opened-contents.ts"
import type { SafetensorsOutput } from "./outputs.ts"
import type { Planned } from "./tensor-file.ts"
import { TensorFile } from "./tensor-file.ts"

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
