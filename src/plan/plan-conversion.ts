/** From what a checkpoint holds to the layout of its safetensors file. Pure: reads nothing, decides everything. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { atOnce, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { requireWithinScaled } from "../errors.ts"
import type { Limits, ScaledLimit } from "../limits.ts"
import { scaledLimit } from "../limits.ts"
import { FORMAT, OWN_METADATA_KEYS } from "../metadata-keys.ts"
import { METADATA_KEY } from "../safetensors/header-format.ts"
import { writeHeaderSteps } from "../safetensors/write-header.ts"
import { gatherCost } from "../strided/blocks.ts"
import type { CheckpointContents } from "../torch/checkpoint-contents.ts"
import { isContainer } from "../torch/child-cursor.ts"
import { nameTensorsSteps, takeCensusSteps } from "../torch/walk-tensors.ts"
import { chooseRoot } from "./choose-root.ts"
import type { ConversionPlan, PlannedTensor } from "./conversion-plan.ts"
import { KeepNames } from "./keep-names.ts"
import { findLeftOut } from "./left-out.ts"
import { makeReport } from "./make-report.ts"
import type { PlanOptions } from "./plan-options.ts"
import { resolveSharingSteps } from "./resolve-sharing.ts"
import type { CopySegment, GatherSegment, Segment } from "./segments.ts"
import { tensorSegment } from "./segments.ts"
import { requireSupported, selectTensors } from "./select-tensors.ts"
import { findUnreferencedSteps } from "./unreferenced-bytes.ts"

/** Bounds that depend on the input rather than on the plan. */
export interface PlanBounds {
  readonly limits: Limits
  readonly inputByteLength: number
}

/** The name of a tensor that was saved alone. */
export const LONE_TENSOR_NAME = "tensor"

const DEFAULT_METADATA = { [FORMAT]: "pt" }

/**
 * The plan for writing `contents` as safetensors.
 *
 * @throws `no-tensors`, `no-model`, `root-ambiguous`, `root-not-found`, `name-…`, `tensor-unsupported` with every such tensor,
 *   `tensors-shared`, `pickle-cycle`, `limit-exceeded`; whatever the caller's own functions throw.
 */
export function planConversion(
  contents: CheckpointContents,
  options: PlanOptions,
  bounds: PlanBounds,
): ConversionPlan {
  return atOnce(planConversionSteps(contents, options, bounds))
}

/** As `planConversion`, in steps. */
export function* planConversionSteps(
  contents: CheckpointContents,
  options: PlanOptions,
  bounds: PlanBounds,
): Steps<ConversionPlan> {
  const { limits } = bounds
  const census = yield* takeCensusSteps(contents.value, limits)
  const root = chooseRoot(contents.value, census, options.root)
  const found = isContainer(root.value)
    ? yield* nameTensorsSteps(root.value, census, limits, contents.memory.copy(), root.setApart)
    : [{ name: LONE_TENSOR_NAME, tensor: root.value }]
  const selected = yield* selectTensors(found, options)
  const metadata = new Map(Object.entries(options.metadata ?? DEFAULT_METADATA))
  const named = yield* requireSupported(selected.kept, options.rename)
  const sharing = options.shared ?? "alias"
  const keeping =
    options.keep === undefined || sharing !== "alias"
      ? undefined
      : new KeepNames(options.keep, selected.kept, named)
  const { written, aliases } = yield* resolveSharingSteps(named, sharing, {
    reserved: new Set([METADATA_KEY, ...OWN_METADATA_KEYS, ...metadata.keys()]),
    preferred: keeping?.preferred,
  })
  for (const { dropped, kept } of aliases) metadata.set(dropped, kept)

  requireOutputWithin(
    bounds,
    written.reduce((sum, tensor) => sum + tensor.byteLength, 0),
  )
  const header = yield* writeHeaderSteps(written, metadata, limits)
  const byteLength = header.bytes.byteLength + header.dataByteLength
  requireOutputWithin(bounds, byteLength)
  const segments: Segment[] = [
    { kind: "literal", start: 0, length: header.bytes.byteLength, bytes: header.bytes },
  ]
  const tensors: PlannedTensor[] = []
  const copiedWhole = new Uint8Array(contents.storages.length)
  const checks = options.verify !== "none"
  const isDrawnFrom = new Uint8Array(contents.storages.length)
  const checkedExtents: ByteExtent[] = []
  // Those that ask for more than their bytes to be read.
  const costly: (CopySegment | GatherSegment)[] = []
  for (const { tensor: named, start: startInData } of header.tensors) {
    if (tensors.length % STEP_ITEMS === 0) yield
    const start = header.bytes.byteLength + startInData
    const segment = tensorSegment(named.tensor, contents.byteOrder, start)
    const { storage } = named.tensor
    if (segment.length > 0) {
      segments.push(segment)
      const { index, extent } = storage
      if (checks && extent.crc32 !== undefined && isDrawnFrom[index] === 0) checkedExtents.push(extent)
      isDrawnFrom[index] = 1
      if (segment.kind === "gather" || extent.coding === "deflate") costly.push(segment)
    }
    if (segment.kind === "copy" && segment.length === storage.byteLength) copiedWhole[storage.index] = 1
    const { name, dtype, shape } = named
    const from = segment.kind === "copy" ? "copied" : "gathered"
    tensors.push({ name, dtype, shape, byteLength: segment.length, start, from })
  }
  const allTensors = isContainer(contents.value) ? (census.get(contents.value)?.tensorCount ?? 0) : 1
  const report = makeReport(contents, {
    verify: options.verify,
    root,
    byteLength,
    metadata,
    tensors,
    aliases,
    parameterCount: written.reduce((sum, { tensor }) => sum + tensor.elementCount, 0),
    leftOut: {
      outsideRoot: allTensors - found.length,
      filtered: selected.filtered,
      ...findLeftOut(root, found, census),
    },
    unmatched: selected.unmatched,
    unreferenced: yield* findUnreferencedSteps(contents, { census, found, written, copiedWhole }),
    warnings: keeping?.warnings(aliases) ?? [],
  })
  requireInflatedWithin(bounds, costly)
  requireGatheredWithin(bounds, costly)
  const maxInflatedBytes = inflatedBytesAllowed(bounds)
  return { header: header.bytes, byteLength, segments, checkedExtents, maxInflatedBytes, report }
}

/** A view can repeat one element for ever (stride 0), and one storage can have many names. */
export function requireOutputWithin({ limits, inputByteLength }: PlanBounds, wanted: number): void {
  const allowed = scaledLimit(limits, "outputFloorBytes", "outputRatio", inputByteLength)
  requireWithinScaled(allowed, wanted, "output")
}

/** Bytes that may be inflated of this input. */
export function inflatedBytesAllowed(bounds: PlanBounds): number {
  return inflateLimit(bounds).allowed
}

function inflateLimit({ limits, inputByteLength }: PlanBounds): ScaledLimit {
  return scaledLimit(limits, "inflateFloorBytes", "inflateRatio", inputByteLength)
}

/** A deflated member may claim a thousand times what it takes in the file, and each is inflated at least once. */
export function requireInflatedWithin(bounds: PlanBounds, segments: readonly Segment[]): void {
  const deflated = new Set<ByteExtent>()
  for (const segment of segments) {
    if (segment.kind !== "literal" && segment.extent.coding === "deflate") deflated.add(segment.extent)
  }
  const wanted = Array.from(deflated).reduce((sum, { byteLength }) => sum + byteLength, 0)
  requireWithinScaled(inflateLimit(bounds), wanted, "archive")
}

/** One storage can have many views, each of which reads most of it, or picks bytes from all over it. */
export function requireGatheredWithin(bounds: PlanBounds, segments: readonly Segment[]): void {
  const { limits, inputByteLength } = bounds
  const allowed = scaledLimit(limits, "gatherFloorBytes", "gatherRatio", inputByteLength)
  let wanted = 0
  for (const segment of segments) {
    if (segment.kind !== "gather") continue
    wanted += gatherCost(segment.view)
    requireWithinScaled(allowed, wanted, "strided tensors")
  }
}
