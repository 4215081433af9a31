/** Where bytes come from. Everything the library reads, it reads through this interface. */

/** Random access to a fixed number of bytes. An object of this shape from anywhere is accepted as input. */
export interface ByteSource {
  /** Length in bytes. It must not change while the source is used. */
  readonly byteLength: number
  /**
   * The bytes of `[offset, offset + length)`. Fewer than asked for means that the source has become shorter, which
   * callers treat as an error, as they do more, or what is no Uint8Array. A read that takes no notice of `signal` is left
   * to itself when that is aborted. The result belongs to the source: readers never write into it.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * Optional: reads from `offset` straight into `target` and returns how many bytes were read. A source that has it
   * lets a conversion reuse a few buffers instead of allocating for each chunk.
   */
  readInto?(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<number>
  /**
   * Optional: `high` where a read costs far more than its bytes do, as a request over a network. Opening then puts off
   * the local headers of an archive's members until their bytes are needed, and a conversion asks for all that a chunk
   * needs at once: how many requests are under way is for the source to bound. Default `low`.
   */
  readonly readCost?: "low" | "high"
  /** Optional: the same bytes as a `Blob`, so that parts of it can be handed on without being read. */
  readonly blob?: Blob
  /** Optional: throws `input-changed` when the bytes are no longer those that were there at the start. */
  assertUnchanged?(): Promise<void>
  /** Optional: called once by whoever opened the source. */
  close?(): Promise<void>
}
