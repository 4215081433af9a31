/** The window of a large gather: the part of a storage that its current block picks from. One at a time. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { allocate } from "../bytes/failures.ts"
import type { GatherSegment } from "../plan/plan.ts"
import { type GatherBlock, gatherBlockAt, runReads } from "../strided/blocks.ts"
import type { StridedView } from "../strided/view.ts"
import type { ChecksumLedger } from "./checksum-ledger.ts"

/** Reads at the same time. */
const READS_IN_FLIGHT = 8

/** Fills `target` with bytes of `extent` from `offset`. */
type ReadExtent = (extent: ByteExtent, offset: number, target: Uint8Array) => Promise<void>

export interface LoadedWindow {
  readonly block: GatherBlock
  readonly window: Uint8Array<ArrayBuffer>
}

/** Loads windows into one buffer that grows to the largest. Calls must not overlap. */
export class GatherWindow {
  readonly #read: ReadExtent
  readonly #ledger: ChecksumLedger
  readonly #windowBytes: number
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #segment: GatherSegment | undefined
  #block: GatherBlock | undefined

  constructor(read: ReadExtent, ledger: ChecksumLedger, windowBytes: number) {
    this.#read = read
    this.#ledger = ledger
    this.#windowBytes = windowBytes
  }

  /** The block that holds element number `element` of the segment, which draws from `extent`, with its window in memory. */
  async load(segment: GatherSegment, extent: ByteExtent, element: number): Promise<LoadedWindow> {
    const { itemBytes } = segment.view
    const current = this.#segment === segment ? this.#block : undefined
    const inside =
      current !== undefined &&
      element >= current.firstElement &&
      element < current.firstElement + current.elementCount
    const block = inside ? current : gatherBlockAt(segment.view, element, this.#windowBytes)
    const byteLength = block.windowElements * itemBytes
    if (!inside) {
      this.#block = undefined
      if (this.#buffer.length < byteLength) this.#buffer = allocate(byteLength, extent.name)
      await this.#fill(extent, segment.view, block)
      this.#segment = segment
      this.#block = block
    }
    return { block, window: this.#buffer.subarray(0, byteLength) }
  }

  async #fill(extent: ByteExtent, { itemBytes }: StridedView, block: GatherBlock): Promise<void> {
    const reads = runReads(block, itemBytes)
    const failures: unknown[] = []
    const readRuns = async (): Promise<void> => {
      let sieve: Uint8Array = new Uint8Array(0)
      for (let next = reads.next(); !next.done && failures.length === 0; next = reads.next()) {
        const { offset, length, at, pack } = next.value
        if (pack !== undefined && sieve.length < length) sieve = new Uint8Array(length)
        const target = pack === undefined ? this.#buffer.subarray(at, at + length) : sieve.subarray(0, length)
        await this.#read(extent, offset, target)
        pack?.(sieve, this.#buffer)
      }
    }
    // A deflated extent has one stream: its runs come one after the other.
    const lanes = extent.coding === "deflate" ? 1 : READS_IN_FLIGHT
    // One failure ends all lanes, and no read is under way when it is reported.
    await Promise.all(Array.from({ length: lanes }, () => readRuns().catch((error) => failures.push(error))))
    if (failures.length > 0) throw failures[0]
    const runBytes = block.runElements * itemBytes
    if (runBytes === extent.byteLength) this.#ledger.pass(extent, 0, this.#buffer.subarray(0, runBytes))
  }
}
