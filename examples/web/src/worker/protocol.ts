/** What the page and its worker say to one another. There is one worker for each file. */

import type {
  Alias,
  ErrorCode,
  LeftOutParts,
  RootCandidate,
  RootReason,
  ScanReport,
  SharingPolicy,
  TensorInfo,
  UnreferencedBytes,
} from "tosafetensors"
import type { TensorColumns } from "../model/tensor-columns.ts"
import type { TensorStatistics } from "../model/tensor-statistics.ts"

/** What the page lets people choose, as they write it. */
export interface Selection {
  readonly root: readonly string[] | "all" | undefined
  readonly shared: SharingPolicy
  readonly include: string
  readonly exclude: string
  readonly rename: string
}

/** Why something was not done. An `AbortError` never becomes one. */
export interface Refusal {
  /** `unexpected` for an exception that is none of the library's; `invalid-choice` for what was written in a box. */
  readonly code: ErrorCode | "unexpected" | "invalid-choice"
  readonly message: string
  readonly nextStep: string | undefined
  readonly candidates: readonly RootCandidate[]
}

export type OpenedFile = OpenedCheckpoint | OpenedSafetensors

export interface OpenedCheckpoint {
  readonly kind: "checkpoint"
  readonly layout: string
  readonly byteLength: number
  readonly columns: TensorColumns
  /** Tensors that others overlap with in memory. */
  readonly sharingCount: number
  /** Why not all tensors could be listed. */
  readonly listingProblem: Refusal | undefined
  /** Where a state dict may be, besides what the rule finds. */
  readonly candidates: readonly RootCandidate[]
  readonly preview: Preview | Refusal
}

export interface OpenedSafetensors {
  readonly kind: "safetensors"
  readonly byteLength: number
  readonly columns: TensorColumns
  /** Bytes before the tensors: length, JSON and padding. */
  readonly headerByteLength: number
  /** The first entries, cut where they are long. */
  readonly metadata: readonly (readonly [key: string, value: string])[]
  readonly metadataCount: number
  /** What readers put up with. */
  readonly warnings: readonly string[]
}

/** A tensor of a safetensors file. */
export interface StoredTensor {
  readonly kind: "stored-tensor"
  readonly dtype: string
  /** Undefined where torch has no such dtype. */
  readonly torchDtype: string | undefined
  readonly shape: readonly number[]
  readonly elementCount: number
  readonly byteLength: number
  /** Of its first byte. */
  readonly fileOffset: number
}

export type TensorDescription = TensorInfo | StoredTensor

/** What a conversion would write. */
export interface Preview extends LeftOutParts {
  readonly root: readonly string[]
  readonly rootReason: RootReason
  readonly tensorCount: number
  readonly parameterCount: number
  readonly byteLength: number
  readonly aliasCount: number
  /** The first of them. */
  readonly aliases: readonly Alias[]
  readonly outsideRoot: number
  readonly filteredCount: number
  readonly unreferenced: UnreferencedBytes
  readonly warnings: readonly string[]
  /** The first names of the output, in its order. */
  readonly names: readonly string[]
  readonly renamedCount: number
  /** The first of them. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[]
}

/** The result of looking at a tensor's elements. */
export type Measurement =
  | {
      readonly kind: "measured"
      readonly statistics: TensorStatistics
      readonly bytesRead: number
      readonly byteLength: number
      readonly valuesPerElement: "one" | "complex" | "packed"
    }
  | { readonly kind: "not-measured"; readonly reason: string }

/** What was saved. `blob` is undefined when it went straight to the disk. */
export interface Saved {
  readonly blob: Blob | undefined
  readonly preview: Preview
  readonly checksums: "checked" | "absent" | "not-checked"
}

/** What an index says of a file. */
export interface WrittenTensors {
  readonly names: readonly string[]
  /** Without the header. */
  readonly tensorBytes: number
}

/** What can be asked, and what is answered. */
export interface Exchanges {
  open: { ask: { readonly file: File }; answer: OpenedFile }
  scan: { ask: { readonly file: File }; answer: ScanReport }
  describe: { ask: { readonly name: string }; answer: TensorDescription }
  measure: { ask: { readonly name: string }; answer: Measurement }
  /** What is written with these choices. */
  written: { ask: { readonly selection: Selection }; answer: WrittenTensors }
  preview: { ask: { readonly selection: Selection }; answer: Preview }
  save: {
    ask: { readonly selection: Selection; readonly handle: FileSystemFileHandle | undefined }
    answer: Saved
  }
}

export type Verb = keyof Exchanges

/** Bytes that are done, of all. */
export interface WorkProgress {
  readonly done: number
  readonly total: number
  /** True where everything is in its place, and bytes are read for their checksums alone. */
  readonly isChecking?: boolean
}

/** What goes along with a question. */
export interface Work {
  readonly signal: AbortSignal
  readonly onProgress: (progress: WorkProgress) => void
}

export type ToWorker =
  | {
      [V in Verb]: {
        readonly kind: "ask"
        readonly id: number
        readonly verb: V
        readonly given: Exchanges[V]["ask"]
      }
    }[Verb]
  | { readonly kind: "cancel"; readonly id: number }

export type FromWorker =
  | { readonly kind: "answer"; readonly id: number; readonly answer: Exchanges[Verb]["answer"] }
  | { readonly kind: "refusal"; readonly id: number; readonly refusal: Refusal }
  | { readonly kind: "cancelled"; readonly id: number }
  | { readonly kind: "progress"; readonly id: number; readonly progress: WorkProgress }

/** Whether it is one. */
export function isRefusal(value: object): value is Refusal {
  return "code" in value && "message" in value
}
