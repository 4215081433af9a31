/** A converted checkpoint as a Blob, and whatever of it lies on the disk. */

import "./disposable.ts"
import type { ConversionReport } from "../checkpoint/plan-checkpoint.ts"
import type { PlanReport } from "../plan/plan.ts"
import { type BlobOutput, planToBlob } from "../transfer/plan-to-blob.ts"
import type { TransferPlan } from "../transfer/transfer-plan.ts"
import type { BlobOptions } from "./options.ts"
import type { Platform } from "./platform.ts"

/** What a Blob may hold in memory by default, where there is another place: a phone gives a tab some hundred MiB. */
const BLOB_MEMORY_BYTES = 64 * 1024 * 1024

/** How to make a Blob of a plan. */
export type PlanBlobOptions = Pick<BlobOptions, "maxMemoryBytes" | "onProgress" | "signal">

/** The output of `plan` as a Blob. Without a place to spill to, memory has no bound but `maxMemoryBytes`. */
export async function convertedBlob<Report extends PlanReport>(
  { crc32, inflate, openSpill }: Pick<Platform<never, never>, "crc32" | "inflate" | "openSpill">,
  plan: TransferPlan,
  report: Report,
  { signal, onProgress, maxMemoryBytes = openSpill && BLOB_MEMORY_BYTES }: PlanBlobOptions,
): Promise<ConvertedBlob<Report>> {
  const options = { crc32, inflate, openSpill, signal, onProgress, maxMemoryBytes }
  return new ConvertedBlob(await planToBlob(plan, options), report)
}

/**
 * What `toSafetensorsBlob` and `toBlob` of an open file give. Its properties can be posted to another thread. It needs closing only where
 * `spilledBytes` is not 0, and only to give back the disk's space early.
 */
export class ConvertedBlob<Report extends PlanReport = ConversionReport> implements AsyncDisposable {
  /** The safetensors file. */
  readonly blob: Blob
  readonly report: Report
  /**
   * Bytes of the Blob that lie in a file of the browser's origin private file system, in the folder
   * `tosafetensors-spill`. The file stays while the page or worker that converted lives. What is left over is removed when a
   * later conversion spills, an hour or more after it was made.
   */
  readonly spilledBytes: number
  readonly #output: BlobOutput

  /** Made by `convertedBlob`. */
  constructor(output: BlobOutput, report: Report) {
    this.blob = output.blob
    this.report = report
    this.spilledBytes = output.spill?.blob.size ?? 0
    this.#output = output
  }

  /** Removes the file, if there is one: the Blob can be read no more then. May be called again, which does nothing. */
  async close(): Promise<void> {
    await this.#output.spill?.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
