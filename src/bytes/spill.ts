/** A place outside memory for the part of a result that is made, where the platform has one. */

import type { ByteSink } from "./byte-sink.ts"

/** Takes bytes out of memory. What was begun and not closed is removed by `abort`. */
export interface Spill extends ByteSink {
  /** What was written, once it has been closed. Cannot be read any more after `remove`. */
  readonly blob: Blob
  /** Lets go of the place. Never fails: what cannot be removed now is removed when another spill begins. */
  remove(): Promise<void>
}

/** What is to be spilled. */
export interface SpillRequest {
  /** In bytes. */
  readonly byteLength: number
  /** Makes the error of a spill that is not possible: a place that is seldom needed need not bring the texts of errors. */
  readonly refuse: (reason: string, cause?: unknown) => Error
}

/** @throws what `refuse` makes where there is no such place, or no room in it; so do the methods of the spill. */
export type OpenSpill = (request: SpillRequest) => Promise<Spill>
