/** A plan whose sources are held open: what moving bytes needs of it. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import type { Plan, Segment } from "../plan/plan.ts"
import { headerBytes } from "../safetensors/write-header.ts"

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
