/** Extents that are read for their checksums alone: as copies that go nowhere. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import type { CopySegment } from "../plan/plan.ts"
import { type DirectSink, isDirectSink } from "./direct-sink.ts"
import type { TransferPlan } from "./transfer-plan.ts"

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
