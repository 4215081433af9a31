/** Where bytes go. */

/**
 * Takes the bytes of one output. Either `close` or `abort` is called, once, after all writes have settled; `abort` is
 * also called after a `close` that failed. A sink of the caller's own that does not settle within a second of an aborted
 * signal is aborted all the same, and whoever waits is not kept longer than a second by an `abort`.
 */
export interface ByteSink {
  /**
   * True when writes may come in any order and several at a time; otherwise they come in order of position, each
   * after the one before has resolved.
   */
  readonly randomAccess: boolean
  /** Called once before the first write with the exact length that will be written. */
  open?(byteLength: number): Promise<void>
  /**
   * Optional: the sink's own memory for a range, to be filled in place of a `write`. Asked after `open`. For sinks with
   * random access.
   */
  placeFor?(position: number, length: number): Uint8Array<ArrayBuffer>
  /** Writes `bytes` at `position`. The bytes may be overwritten by the caller once the promise resolves. */
  write(position: number, bytes: Uint8Array): Promise<void>
  /** All bytes have been written. The output becomes visible here, not earlier. */
  close(): Promise<void>
  /** The output will not be finished: leave nothing behind. */
  abort(reason: unknown): Promise<void>
}

/** A place outside memory for what is made. What was begun and not closed is removed by `abort`. */
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
