/** A converted checkpoint as a Blob, and whatever of it lies on the disk. */

import "./disposable.ts"
import type { ConversionReport } from "../checkpoint/plan-checkpoint.ts"
import type { BlobOutput } from "../transfer/plan-to-blob.ts"

/**
 * What `toSafetensorsBlob` gives. Its properties can be posted to another thread. It needs closing only where
 * `spilledBytes` is not 0, and only to give back the disk's space early.
 */
export class ConvertedBlob implements AsyncDisposable {
  /** The safetensors file. */
  readonly blob: Blob
  readonly report: ConversionReport
  /**
   * Bytes of the Blob that lie in a file of the browser's origin private file system, in the folder
   * `tosafetensors-spill`. The file stays while the page or worker that converted lives. What is left over is removed when a
   * later conversion spills, an hour or more after it was made.
   */
  readonly spilledBytes: number
  readonly #output: BlobOutput

  /** Made by `toSafetensorsBlob`. */
  constructor(output: BlobOutput, report: ConversionReport) {
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
