/** What a conversion will do: decided in full before one weight is read. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { UnmatchedGlob } from "../errors.ts"
import type { SafetensorsDtype } from "../safetensors/dtypes.ts"
import type { CheckpointLayout } from "../torch/checkpoint-contents.ts"
import type { LeftOutParts } from "./left-out.ts"
import type { Alias } from "./resolve-sharing.ts"
import type { RootReason } from "./root-reason.ts"
import type { Segment } from "./segments.ts"
import type { UnreferencedBytes } from "./unreferenced-bytes.ts"

/** A tensor of the output. */
export interface PlannedTensor {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** Bytes of its data. */
  readonly byteLength: number
  /** Byte offset of its data in the output. */
  readonly start: number
  /**
   * `copied` when its bytes stand in the checkpoint as they are, `gathered` when they must be picked, changed or looked
   * at: those of a bool tensor always are, because a byte other than 0 and 1 is written as 1.
   */
  readonly from: "copied" | "gathered"
}

/** Something that the caller should know and that stops nothing. */
export type PlanWarning =
  | { readonly code: "checksums-absent" | "checksums-not-checked" | "keep-unused"; readonly message: string }
  | ({ readonly code: "glob-unmatched"; readonly message: string } & UnmatchedGlob)

/** What a conversion does, or did. Plain data: it can be printed as JSON. */
export interface ConversionReport {
  readonly layout: CheckpointLayout
  /** Keys from the top of the checkpoint to the state dict. */
  readonly root: readonly string[]
  /** Why it was taken. */
  readonly rootReason: RootReason
  /** Bytes of the output. */
  readonly byteLength: number
  readonly tensorCount: number
  /** Elements of all tensors that are written. */
  readonly parameterCount: number
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of the output. */
  readonly tensors: readonly PlannedTensor[]
  /** Names that are not written because another name holds the same tensor. */
  readonly aliases: readonly Alias[]
  readonly leftOut: LeftOutParts & {
    /** Tensors that lie outside the root, such as an optimizer's state. */
    readonly outsideRoot: number
    /** Names under the root that `include` and `exclude` took out. */
    readonly filtered: readonly string[]
  }
  /** What the checkpoint holds besides the tensors that are written. */
  readonly unreferenced: UnreferencedBytes
  /** Whether the bytes are checked against the archive's checksums as they pass. */
  readonly checksums: "checked" | "absent" | "not-checked"
  readonly warnings: readonly PlanWarning[]
}

/** A plan. `segments` tile `[0, byteLength)` in order. */
export interface ConversionPlan {
  /** Length prefix, JSON and padding. */
  readonly header: Uint8Array
  readonly byteLength: number
  readonly segments: readonly Segment[]
  /** Extents whose checksum is to be checked, once each. */
  readonly checkedExtents: readonly ByteExtent[]
  /** Bytes that carrying it out may inflate. An entry that is begun anew counts again. */
  readonly maxInflatedBytes: number
  readonly report: ConversionReport
}
