/** The options of the verbs. All are optional; none is changed. */

import type { PlanOptions } from "../checkpoint/plan-checkpoint.ts"
import type { HttpOptions } from "../http/http-options.ts"
import type { Limits } from "../limits/limits.ts"
import type { ReadHeaderOptions as HeaderOptions } from "../safetensors/read-header.ts"
import type { ByteOrder } from "../torch/torch-tensors.ts"
import type { Progress } from "../transfer/run-plan.ts"

/** How to get at an input. */
export interface AccessOptions {
  /** How `http:` and `https:` URLs are fetched: a `fetch` of your own, and headers such as a token. */
  readonly http?: HttpOptions | undefined
}

/** How to open a checkpoint. */
export interface OpenOptions extends AccessOptions {
  /** Bounds on what the file may ask for, laid over `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits> | undefined
  /** The byte order of the storages, for files that do not say it or say it wrongly. Default: what the file says. */
  readonly byteOrder?: ByteOrder | undefined
  /** Ends the work; its reason is what gets thrown. */
  readonly signal?: AbortSignal | undefined
}

/** How to scan a file. */
export interface ScanOptions extends OpenOptions {
  /**
   * What the file is called, without its folders. A file that is no checkpoint is *not a model*, unless its name has the
   * ending of one (`.pt`, `.pkl`, `.safetensors`): then it is refused. Default: the name of a path, a URL or a `File`.
   */
  readonly name?: string | undefined
}

/** How to convert a checkpoint. */
export interface ConvertOptions extends OpenOptions, PlanOptions {
  /** Called as bytes of the output are written. What it throws ends the conversion. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Whether a file that exists may be replaced. Default false. */
  readonly overwrite?: boolean | undefined
}

/** How to convert a checkpoint to a Blob. */
export interface BlobOptions extends ConvertOptions {
  /**
   * Bytes of the Blob that may be held in memory: tensors that are not in order or deflated, and everything where the input
   * is no Blob. Of more, all of them go to a file of the browser's origin private file system. Default 64 MiB in the
   * universal build. The Node build has no such place and no bound, unless one is given.
   */
  readonly maxMemoryBytes?: number | undefined
}

/** How to read or check a safetensors file. */
export interface ReadHeaderOptions extends HeaderOptions, AccessOptions {}
