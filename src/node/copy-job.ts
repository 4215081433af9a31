/** What passes between a copy pool and its threads. */

/** A range to copy. `from` and `to` are file descriptors; offsets and lengths are bytes. */
export interface CopyJob {
  readonly from: number
  readonly to: number
  readonly offset: number
  readonly position: number
  readonly length: number
  /** Whether the CRC-32 is wanted. */
  readonly checksum: boolean
}

/** How many bytes there were (fewer than asked for when the file has become shorter), or why it failed. */
export type CopyAnswer =
  | { readonly copied: number; readonly crc32: number }
  | { readonly failed: CopyFailure }

/** A system error, in a form that passes between threads. */
export interface CopyFailure {
  /** Which of the two files it was about. */
  readonly side: "read" | "write"
  readonly code: string | undefined
  readonly message: string
}
