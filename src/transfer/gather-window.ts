/** The window of a large gather: the part of a storage that its current block picks from. One at a time. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { GatherSegment } from "../plan/segments.ts"
import type { ChecksumLedger } from "./checksum-ledger.ts"
import type { GatherBlock } from "./gather-blocks.ts"
import { gatherBlockAt } from "./gather-blocks.ts"

/** Runs that are read at the same time. */
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

  /** The block that holds element number `element` of the segment, with its window in memory. */
  async load(segment: GatherSegment, element: number): Promise<LoadedWindow> {
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
      if (this.#buffer.length < byteLength) this.#buffer = new Uint8Array(byteLength)
      await this.#fill(segment, block)
      this.#segment = segment
      this.#block = block
    }
    return { block, window: this.#buffer.subarray(0, byteLength) }
  }

  async #fill({ extent, view }: GatherSegment, block: GatherBlock): Promise<void> {
    const { itemBytes } = view
    const runBytes = block.runElements * itemBytes
    const offsets = block.runOffsets()
    let next = 0
    const failures: unknown[] = []
    const readRuns = async (): Promise<void> => {
      for (let run = offsets.next(); !run.done && failures.length === 0; run = offsets.next()) {
        const start = next
        next += runBytes
        await this.#read(extent, run.value * itemBytes, this.#buffer.subarray(start, start + runBytes))
      }
    }
    // A deflated extent has one stream: its runs come one after the other.
    const lanes = extent.coding === "deflate" ? 1 : READS_IN_FLIGHT
    // One failure ends all lanes, and no read is under way when it is reported.
    await Promise.all(Array.from({ length: lanes }, () => readRuns().catch((error) => failures.push(error))))
    if (failures.length > 0) throw failures[0]
    if (runBytes === extent.byteLength) this.#ledger.pass(extent, 0, this.#buffer.subarray(0, runBytes))
  }
}
