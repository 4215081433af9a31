/** A plan whose sources are held open: what moving bytes needs of it. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import type { CopySegment, Plan, Segment } from "../plan/plan.ts"
import { headerBytes } from "../safetensors/write-header.ts"
import type { ElementTransform } from "../strided/elements.ts"
import type { StridedView } from "../strided/view.ts"

export interface TransferPlan {
  /** The header with the length that stands before it. */
  readonly header: Uint8Array
  readonly byteLength: number
  /** They tile `[0, byteLength)` in order. */
  readonly segments: readonly Segment[]
  /** What segments draw from, by their places. */
  readonly extents: readonly ByteExtent[]
  /** Extents whose checksum is to be checked, once each. */
  readonly checkedExtents: readonly ByteExtent[]
  /** Bytes that carrying it out may inflate. */
  readonly maxInflatedBytes: number
}

/** `plan` with its extents held open. */
export function transferPlan(plan: Plan, extents: readonly ByteExtent[]): TransferPlan {
  const { header, byteLength, segments, maxInflatedBytes } = plan
  const checkedExtents = plan.checkedExtents.map((place) => extents[place] as ByteExtent)
  return { header: headerBytes(header), byteLength, segments, extents, checkedExtents, maxInflatedBytes }
}

/** The extent that a segment draws from; undefined for the header. */
export function extentOf(segment: Segment, extents: readonly ByteExtent[]): ByteExtent | undefined {
  return segment.kind === "header" ? undefined : extents[segment.extent]
}

/** The sources that a plan draws on. */
export function sourcesOf({ segments, extents }: TransferPlan): ReadonlySet<ByteSource> {
  const sources = new Set<ByteSource>()
  let last: ByteSource | undefined
  for (const segment of segments) {
    const source = extentOf(segment, extents)?.source
    if (source === undefined || source === last) continue
    last = source
    sources.add(source)
  }
  return sources
}

/** A plan that copies each of `extents` whole, so that its run checks every one of them. */
export function planCheck(
  extents: readonly ByteExtent[],
): Pick<TransferPlan, "segments" | "byteLength" | "extents" | "checkedExtents"> {
  let byteLength = 0
  const checkedExtents = extents.filter((extent) => extent.byteLength > 0)
  const segments = checkedExtents.map(({ byteLength: length }, extent): CopySegment => {
    const start = byteLength
    byteLength += length
    return { kind: "copy", start, length, extent, offsetInExtent: 0 }
  })
  return { segments, byteLength, extents: checkedExtents, checkedExtents }
}

/** Takes bytes and keeps none. What `sink` takes over, it still does. */
export function discardingSink(sink?: ByteSink): ByteSink {
  const nowhere: ByteSink = {
    randomAccess: true,
    write: async () => {},
    close: async () => {},
    abort: async () => {},
  }
  if (sink === undefined || !isDirectSink(sink)) return nowhere
  const direct: DirectSink = {
    ...nowhere,
    drawsFrom: (source) => sink.drawsFrom(source),
    copyFrom: (request) => sink.copyFrom({ ...request, position: undefined }),
    gatherFrom: async () => undefined,
  }
  return direct
}

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
