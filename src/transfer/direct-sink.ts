/** A sink that takes parts of a plan over: it reads, checks and writes them by itself, on threads for example. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import type { ElementTransform } from "../strided/transform.ts"
import type { StridedView } from "../strided/view.ts"

/** Offset in the source, and length, in bytes. */
export interface CopyRange {
  readonly offset: number
  readonly length: number
  /** Whether the CRC-32 of its bytes is wanted. */
  readonly checksum: boolean
}

/** Ranges of a source, to be written one behind the other. */
export interface CopyRequest {
  readonly source: ByteSource
  /** First byte in the output. Undefined when they are read for their checksums alone. */
  readonly position: number | undefined
  readonly ranges: readonly CopyRange[]
}

/** Elements of a view of a stored extent, in the view's order. They lie in one block of it. */
export interface GatherRequest {
  readonly extent: ByteExtent
  readonly view: StridedView
  readonly transform: ElementTransform | undefined
  readonly firstElement: number
  readonly elementCount: number
  /** The window of a block, as `gatherBlockAt` takes it. */
  readonly windowBytes: number
  /** First byte in the output. */
  readonly position: number
  /** Whether the CRC-32 of the extent is wanted, where all of it is in the window. */
  readonly checksum: boolean
}

/** Has random access: several requests may be under way at a time, and their places come in any order. */
export interface DirectSink extends ByteSink {
  /** Whether it takes over what is drawn from stored extents of `source`. Asked after `open`. */
  drawsFrom(source: ByteSource): boolean
  /** Resolves to the CRC-32 of each range, in order; those that were not wanted may be anything. */
  copyFrom(request: CopyRequest): Promise<readonly number[]>
  /** Resolves to the CRC-32 of the extent, or undefined where it was not wanted or the window did not hold all of it. */
  gatherFrom(request: GatherRequest): Promise<number | undefined>
}

export function isDirectSink(sink: ByteSink): sink is DirectSink {
  if (!sink.randomAccess) return false
  const { drawsFrom, copyFrom, gatherFrom } = sink as Partial<DirectSink>
  return [drawsFrom, copyFrom, gatherFrom].every((method) => typeof method === "function")
}
