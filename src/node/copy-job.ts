/** What passes between a copy pool and its threads. */

import type { CopyRange } from "../bytes/byte-sink.ts"

/** Ranges to copy one behind the other. `from` and `to` are file descriptors; `position` is where the first goes. */
export interface CopyJob {
  readonly from: number
  readonly to: number
  readonly position: number
  readonly ranges: readonly CopyRange[]
  /** Written at once. */
  readonly writeBytes: number
}

/** The CRC-32 of each range, 0 where it was not wanted, and how long it took; or why it failed. */
export type CopyAnswer =
  | { readonly checksums: readonly number[]; readonly milliseconds: number }
  /** The input ends within a range: it has become shorter. */
  | { readonly short: { readonly range: CopyRange; readonly got: number } }
  | { readonly failed: CopyFailure }

/** A system error, in a form that passes between threads. */
export interface CopyFailure {
  /** Which of the two files it was about. */
  readonly side: "read" | "write"
  readonly code: string | undefined
  readonly message: string
}
