/** How much is held in memory at a time. A conversion takes the defaults; a test takes less, to cross every boundary. */

import { GATHER_WINDOW_BYTES, SMALL_GATHER_BYTES } from "../strided/blocks.ts"

/** All are bytes, but for the count of chunks. */
export interface TransferSizes {
  /** Output of one chunk. A multiple of 16, so that no element is split. */
  readonly chunkBytes: number
  /** Chunks that are made and written at the same time. Each has a buffer. */
  readonly chunksInFlight: number
  /** A gather up to this size, in output and in span, is produced within a chunk that it shares. At most a chunk. */
  readonly smallGatherBytes: number
  /** Output of one chunk of copies that the sink takes over. */
  readonly directBytes: number
  /** The part of a storage that a large gather holds. At least 16: one element. */
  readonly windowBytes: number
  /** The same where a sink takes the gather over, which may hold several. At least 16. */
  readonly directWindowBytes: number
}

const KiB = 1024
const MiB = 1024 * KiB

/** The defaults, frozen. */
export const TRANSFER_SIZES: TransferSizes = /* @__PURE__ */ Object.freeze({
  // Larger chunks gain nothing (measured from 256 KiB to 8 MiB), and several are in flight.
  chunkBytes: 1 * MiB,
  // More gain nothing with Node's four threads for files.
  chunksInFlight: 4,
  smallGatherBytes: SMALL_GATHER_BYTES,
  // Long enough that asking costs nothing, short enough that progress moves and an abort is felt.
  directBytes: 8 * MiB,
  windowBytes: GATHER_WINDOW_BYTES,
  directWindowBytes: GATHER_WINDOW_BYTES / 2,
})

/** Where a read costs far more than its bytes: fewer and larger ones. Four chunks in flight take 32 MiB. */
export const DEAR_SIZES: TransferSizes = /* @__PURE__ */ Object.freeze({
  ...TRANSFER_SIZES,
  chunkBytes: 8 * MiB,
})

/**
 * Out of a Blob each read goes through another process of the browser, and so does each write of a file. In Chromium, four
 * chunks of 1 MiB took a third longer; four of 4 MiB took as long as two, and twice the memory.
 */
export const BLOB_SIZES: TransferSizes = /* @__PURE__ */ Object.freeze({
  ...TRANSFER_SIZES,
  chunkBytes: 4 * MiB,
  chunksInFlight: 2,
})
