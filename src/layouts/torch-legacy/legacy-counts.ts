/**
 * What is checked of a legacy file behind its pickles: the number of elements that stands before each storage must be what
 * the pickle says, and the last storage must not end in a zip archive.
 */

import type { ByteExtent, ExtentLocator, OffsetBounds } from "../../bytes/byte-extent.ts"
import type { ByteSource } from "../../bytes/byte-source.ts"
import { coalesce } from "../../bytes/coalesce.ts"
import { type ByteRange, readExactly } from "../../bytes/read-exactly.ts"
import { turnIfDue } from "../../bytes/turns.ts"
import { CheckpointError } from "../../errors/checkpoint-error.ts"
import { quoteText } from "../../text/quote-text.ts"
import { STORAGE_SIZE } from "../../torch/errors.ts"
import type { TorchStorage } from "../../torch/torch-tensors.ts"
import { refuseArchiveAtEnd } from "../two-formats.ts"

/** What a file of this layout is called. */
export const LEGACY_NAME = "a legacy checkpoint"

/** An int64, little-endian, right before the storage. */
export const COUNT_BYTES = 8

/** Checks counts: all at once, or, as the locator of their extents, each when its storage is first needed. */
export class LegacyCounts implements ExtentLocator {
  readonly #source: ByteSource
  /** Storages whose count has not been looked at, in file order. */
  readonly #unchecked: Map<ByteExtent, TorchStorage>
  /** Under way or done; shared by all that ask. */
  #endChecked: Promise<void> | undefined

  constructor(source: ByteSource, storages: readonly TorchStorage[]) {
    this.#source = source
    const ordered = [...storages].sort((a, b) => a.extent.offset - b.extent.offset)
    this.#unchecked = new Map(ordered.map((storage) => [storage.extent, storage]))
  }

  /** @throws `storage-size`, `two-formats`; and as `readExactly`. */
  async locate(extents: Iterable<ByteExtent>, signal?: AbortSignal): Promise<void> {
    const wanted = new Set(extents)
    await this.#check(
      Array.from(this.#unchecked.values()).filter(({ extent }) => wanted.has(extent)),
      signal,
    )
  }

  boundsOf({ offset }: ByteExtent): OffsetBounds {
    return { earliest: offset, latest: offset }
  }

  async #check(storages: readonly TorchStorage[], signal: AbortSignal | undefined): Promise<void> {
    // Asked for in the same turn as the counts, so that a source can join the reads.
    this.#endChecked ??= refuseArchiveAtEnd(this.#source, LEGACY_NAME, signal)
    const endChecked = this.#endChecked
    endChecked.catch(() => {
      this.#endChecked = undefined
    })
    const offsets = storages.map(({ extent }) => extent.offset - COUNT_BYTES)
    const look = (bytes: Uint8Array, index: number): void => {
      const { key, elementCount } = storages[index] as TorchStorage
      const count = new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true)
      if (count === BigInt(elementCount)) return
      const problem = `the file holds ${count} elements of storage ${quoteText(key)}, the pickle says ${elementCount}`
      throw new CheckpointError(STORAGE_SIZE, { at: offsets[index] as number, problem })
    }
    await readRegions(this.#source, offsets, COUNT_BYTES, look, signal)
    await endChecked
    for (const { extent } of storages) this.#unchecked.delete(extent)
  }
}

// Reads many small regions of a source with few reads: regions that lie close together share one.

/** Windows that are read at the same time. */
const READS_IN_FLIGHT = 6

/** Bytes that one shared read may span. Regions further apart than this are read alone. */
const WINDOW_BYTES = 256 * 1024

/** Over a network what lies between is often asked for in the same turn: the source joins what is close together. */
const NETWORK_GAP_BYTES = 64 * 1024

/** Windows that are read at the same time there, in bytes. */
const NETWORK_BYTES = 16 * 1024 * 1024

/**
 * Hands the bytes of `[offset, offset + length)` for each of the ascending `offsets` to `visit`, in order. The bytes
 * are valid only during the call.
 */
async function readRegions(
  source: ByteSource,
  offsets: readonly number[],
  length: number,
  visit: (bytes: Uint8Array, index: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const overNetwork = source.readCost === "high"
  const joining = { maxGap: overNetwork ? NETWORK_GAP_BYTES : WINDOW_BYTES, maxLength: WINDOW_BYTES }
  const endOf = (offset: number): number => offset + length
  const windows = [...coalesce(offsets, (offset) => offset, endOf, joining)]
  let index = 0
  while (windows.length > 0) {
    const batch = windows.splice(0, overNetwork ? countWithin(windows, NETWORK_BYTES) : READS_IN_FLIGHT)
    const reads = await Promise.all(batch.map((window) => readExactly(source, window, signal)))
    for (const [i, { offset, items }] of batch.entries()) {
      for (const region of items) {
        const at = region - offset
        visit((reads[i] as Uint8Array).subarray(at, at + length), index++)
      }
      await turnIfDue(signal)
    }
  }
}

/** Windows that take `most` bytes together; one at least. */
function countWithin(windows: readonly ByteRange[], most: number): number {
  let bytes = 0
  const over = windows.findIndex((window) => {
    bytes += window.length
    return bytes > most
  })
  return over < 0 ? windows.length : Math.max(over, 1)
}
