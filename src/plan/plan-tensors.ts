/** From tensors to the layout of their safetensors file. Pure: reads nothing, decides everything. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { METADATA_KEY } from "../safetensors/header-rules.ts"
import { writeHeaderSteps } from "../safetensors/write-header.ts"
import type { FoundTensor, NamedTensor } from "../tensors/tensor.ts"
import { quoteText } from "../text/quote-text.ts"
import type { UnmatchedGlob } from "./errors.ts"
import {
  type GatherSegment,
  inflatedBytesAllowed,
  type Plan,
  type PlanBounds,
  type PlannedExtent,
  type PlannedTensor,
  type PlanReport,
  type PlanWarning,
  requireGatheredWithin,
  requireInflatedWithin,
  requireOutputWithin,
  type Segment,
  tensorSegment,
} from "./plan.ts"
import { FORMAT, KeepNames, OWN_METADATA_KEYS, type TensorOptions } from "./plan-options.ts"
import { resolveSharingSteps } from "./resolve-sharing.ts"
import { requireSupported, selectTensors } from "./select-tensors.ts"

/** A source and its name among others. */
export interface NamedSource {
  readonly name: string
  readonly source: ByteSource
}

/** Tensors, and where they come from. */
export interface TensorInput {
  /** In the order of the input: of names for one tensor the first is kept. */
  readonly found: readonly FoundTensor[]
  readonly sources: readonly NamedSource[]
  /** How many storages the input has. */
  readonly storageCount: number
  /** Whether the containers keep checksums of what they hold, could but do not, or have no place for any. */
  readonly checksums: "kept" | "left-out" | "none"
  /** What stands in the header unless the caller says otherwise. Default: `format: "pt"`. */
  readonly metadata?: ReadonlyMap<string, string>
}

/** A plan, and what else was decided on the way. */
export interface TensorPlan {
  readonly plan: Plan
  /** The extents of the plan as they are held open: with their sources, and what finds them. */
  readonly extents: readonly ByteExtent[]
  readonly written: readonly NamedTensor[]
  /** By index of the storage: 1 where a written tensor is a copy of all of it. */
  readonly copiedWhole: Uint8Array
}

const DEFAULT_METADATA: readonly (readonly [string, string])[] = [[FORMAT, "pt"]]

/**
 * The plan for writing the tensors of `input`.
 *
 * @throws `no-tensors`, `name-…`, `tensor-unsupported` with every such tensor, `tensors-shared`, `limit-exceeded`; whatever
 *   the caller's own functions throw.
 */
export function* planTensorsSteps(
  input: TensorInput,
  options: TensorOptions,
  bounds: PlanBounds,
): Steps<TensorPlan> {
  const selected = yield* selectTensors(input.found, options)
  const given = options.metadata && Object.entries(options.metadata)
  const metadata = new Map(given ?? input.metadata ?? DEFAULT_METADATA)
  const { written: named, kept, unsupported } = yield* requireSupported(selected.kept, options)
  const sharing = options.shared ?? "alias"
  const keeping =
    options.keep === undefined || sharing !== "alias" ? undefined : new KeepNames(options.keep, kept, named)
  const { written, aliases } = yield* resolveSharingSteps(named, sharing, {
    reserved: new Set([METADATA_KEY, ...OWN_METADATA_KEYS, ...metadata.keys()]),
    preferred: keeping?.preferred,
  })
  for (const { dropped, kept } of aliases) metadata.set(dropped, kept)

  requireOutputWithin(
    bounds,
    written.reduce((sum, tensor) => sum + tensor.byteLength, 0),
  )
  const header = yield* writeHeaderSteps(written, metadata, bounds.limits)
  const byteLength = header.byteLength + header.dataByteLength
  requireOutputWithin(bounds, byteLength)
  const segments: Segment[] = [{ kind: "header", start: 0, length: header.byteLength }]
  const gathers: GatherSegment[] = []
  const tensors: PlannedTensor[] = []
  const drawn = new DrawnExtents(input, options.verify !== "none")
  for (const { tensor: planned, start: startInData } of header.tensors) {
    if (tensors.length % STEP_ITEMS === 0) yield
    const { name, dtype, shape, tensor } = planned
    const { storage } = tensor
    const start = header.byteLength + startInData
    const segment = tensorSegment(tensor, drawn.placeOf(storage), start)
    if (segment.length > 0) {
      drawn.add(storage)
      segments.push(segment)
      if (segment.kind === "gather") gathers.push(segment)
    }
    if (segment.kind === "copy" && segment.length === storage.byteLength) drawn.copiedWhole[storage.index] = 1
    const from = segment.kind === "copy" ? "copied" : "gathered"
    tensors.push({ name, dtype, shape, byteLength: segment.length, start, from })
  }
  const checksums =
    options.verify === "none" ? "not-checked" : input.checksums === "kept" ? "checked" : "absent"
  const report: PlanReport = {
    byteLength,
    tensorCount: tensors.length,
    parameterCount: written.reduce((sum, { tensor }) => sum + tensor.elementCount, 0),
    metadata: metadataObject(metadata),
    tensors,
    aliases,
    leftOut: { filtered: selected.filtered, unsupported },
    checksums,
    warnings: [
      ...warningsFor(checksums, input.checksums),
      ...selected.unmatched.map(warningOf),
      ...(keeping?.warnings(aliases) ?? []),
    ],
  }
  requireInflatedWithin(bounds, drawn.planned)
  requireGatheredWithin(bounds, gathers)
  const plan: Plan = {
    header: header.text,
    byteLength,
    sources: input.sources.map(({ name, source }) => ({ name, byteLength: source.byteLength })),
    extents: drawn.planned,
    segments,
    checkedExtents: drawn.checked,
    maxInflatedBytes: inflatedBytesAllowed(bounds),
    report,
  }
  return { plan, extents: drawn.live, written, copiedWhole: drawn.copiedWhole }
}

/** Collects the extents that a plan draws from, in the order in which they are drawn from first. */
class DrawnExtents {
  readonly planned: PlannedExtent[] = []
  readonly live: ByteExtent[] = []
  /** Places of those that have a checksum, where checksums are checked. */
  readonly checked: number[] = []
  readonly copiedWhole: Uint8Array
  /** By index of the storage: its place, -1 where it has none. */
  readonly #places: Int32Array
  readonly #sources: ReadonlyMap<ByteSource, number>
  readonly #checks: boolean

  constructor({ sources, storageCount }: TensorInput, checks: boolean) {
    this.copiedWhole = new Uint8Array(storageCount)
    this.#places = new Int32Array(storageCount).fill(-1)
    this.#sources = new Map(sources.map(({ source }, index) => [source, index]))
    this.#checks = checks
  }

  /** The place of a storage that is drawn from, or that it will get when it is. */
  placeOf({ index }: { readonly index: number }): number {
    const place = this.#places[index] as number
    return place < 0 ? this.live.length : place
  }

  add({ index, extent }: { readonly index: number; readonly extent: ByteExtent }): void {
    if ((this.#places[index] as number) >= 0) return
    const place = this.live.length
    this.#places[index] = place
    this.live.push(extent)
    const source = this.#sources.get(extent.source)
    if (source === undefined) throw new Error(`${extent.name} lies in a source that was not given`)
    this.planned.push(plannedExtent(extent, source))
    if (this.#checks && extent.crc32 !== undefined) this.checked.push(place)
  }
}

/** `extent` as data. What it takes a read to find stays open. */
function plannedExtent(extent: ByteExtent, source: number): PlannedExtent {
  const { storedLength, byteLength, coding, crc32, name, locator } = extent
  const offset = locator === undefined ? extent.offset : undefined
  return { source, offset, storedLength, byteLength, coding, crc32, name }
}

/** A null prototype: a dropped tensor may be called `__proto__`. */
function metadataObject(metadata: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const object: Record<string, string> = Object.create(null)
  for (const [key, value] of metadata) object[key] = value
  return object
}

function warningsFor(
  checksums: PlanReport["checksums"],
  kept: TensorInput["checksums"],
): readonly PlanWarning[] {
  if (checksums === "not-checked") {
    const message = "the archive's checksums were not checked, as asked"
    return [{ code: "checksums-not-checked", message }]
  }
  if (kept !== "left-out") return []
  const message = "the archive was saved without checksums: damage to the weights would not be noticed"
  return [{ code: "checksums-absent", message }]
}

function warningOf(unmatched: UnmatchedGlob): PlanWarning {
  const { option, glob } = unmatched
  return {
    code: "glob-unmatched",
    message: `\`${option}\` ${quoteText(glob)} matches no tensor`,
    ...unmatched,
  }
}
