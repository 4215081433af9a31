/** A plan whose sources are held open: what moving bytes needs of it. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import type { CopySegment, Plan, Segment } from "../plan/plan.ts"
import { headerBytes } from "../safetensors/write-header.ts"
import { type DirectSink, isDirectSink } from "./direct-sink.ts"

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
