/** What passes between a copy pool and its threads. */

import type { ElementTransform } from "../strided/transform.ts"
import type { StridedView } from "../strided/view.ts"
import type { CopyRange } from "../transfer/direct-sink.ts"

/** `from` and `to` are file descriptors. */
interface Job {
  readonly from: number
  readonly to: number
  /** Where in the output the first byte goes. */
  readonly position: number
  /** Written at once. */
  readonly writeBytes: number
}

/** Ranges to copy one behind the other. */
export interface CopyRangesJob extends Omit<Job, "position"> {
  readonly kind: "ranges"
  /** Undefined when they are read for their checksums alone. */
  readonly position: number | undefined
  readonly ranges: readonly CopyRange[]
}

/** Elements to pick out of one block of a view, as a `GatherRequest` says. The one checksum is that of the extent. */
export interface GatherJob extends Job {
  readonly kind: "gather"
  /** The extent that the view looks at, in the file. */
  readonly offset: number
  readonly length: number
  readonly view: StridedView
  readonly transform: ElementTransform | undefined
  readonly firstElement: number
  readonly elementCount: number
  readonly windowBytes: number
  readonly checksum: boolean
}

export type CopyJob = CopyRangesJob | GatherJob

/** The CRC-32 of each range, 0 where it was not wanted, and how long it took; or why it failed. */
export type CopyAnswer =
  | { readonly checksums: readonly (number | undefined)[]; readonly milliseconds: number }
  | CopyFailure

export type CopyFailure =
  /** The input ends within a range: it has become shorter. */
  | { readonly short: { readonly offset: number; readonly length: number; readonly got: number } }
  | { readonly failed: SystemFailure }

/** A system error, in a form that passes between threads. */
export interface SystemFailure {
  /** Which of the two files it was about. */
  readonly side: "read" | "write"
  readonly code: string | undefined
  readonly message: string
}
