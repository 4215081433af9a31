/** From what a checkpoint holds to the layout of its safetensors file. Pure: reads nothing, decides everything. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { CheckpointError, requireWithin } from "../errors.ts"
import type { Limits } from "../limits.ts"
import type { HeaderTensor } from "../safetensors/write-header.ts"
import { writeHeader } from "../safetensors/write-header.ts"
import type { CheckpointContents } from "../torch/checkpoint-contents.ts"
import type { TensorRecord } from "../torch/tensor-record.ts"
import { isTensor, tensorByteLength } from "../torch/tensor-record.ts"
import type { FoundTensor } from "../torch/walk-tensors.ts"
import { isContainer, nameTensors, takeCensus } from "../torch/walk-tensors.ts"
import type { ChosenRoot } from "./choose-root.ts"
import { chooseRoot } from "./choose-root.ts"
import type { ConversionPlan, ConversionReport, PlannedTensor, PlanWarning } from "./conversion-plan.ts"
import type { NameFilter } from "./name-filter.ts"
import { compileFilter } from "./name-filter.ts"
import type { Alias, NamedTensor, SharingPolicy } from "./resolve-sharing.ts"
import { resolveSharing } from "./resolve-sharing.ts"
import type { Segment } from "./segments.ts"
import { tensorSegment } from "./segments.ts"
import { targetOf } from "./target-dtype.ts"

/** How to plan. All fields may be left out. */
export interface PlanOptions {
  /** Keys to the state dict, or `"all"` for every tensor of the checkpoint. Default: found by rule. */
  readonly root?: readonly string[] | "all" | undefined
  /** Only tensors that match are converted. Default: all. */
  readonly include?: NameFilter | undefined
  /** Tensors that match are left out, also when `include` names them. Default: none. */
  readonly exclude?: NameFilter | undefined
  /** The name to write a tensor with. Default: its own. */
  readonly rename?: ((name: string) => string) | undefined
  /** What to do with names of one tensor. Default `"alias"`. */
  readonly shared?: SharingPolicy | undefined
  /** Text to keep in the header. Default `{ format: "pt" }`, which loaders of transformers ask for. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Whether bytes are held against the archive's checksums. Default `"crc"`. */
  readonly verify?: "crc" | "none" | undefined
}

/** Bounds that depend on the input rather than on the plan. */
export interface PlanBounds {
  readonly limits: Limits
  readonly inputByteLength: number
}

/** The name of a tensor that was saved alone. */
const LONE_TENSOR_NAME = "tensor"

const DEFAULT_METADATA = { format: "pt" }

interface WrittenTensor extends NamedTensor, HeaderTensor {}

/**
 * The plan for writing `contents` as safetensors.
 *
 * @throws `no-tensors`, `root-ambiguous`, `root-not-found`, `name-…`, `tensor-unsupported` with every such tensor,
 *   `tensors-shared`, `pickle-cycle`, `limit-exceeded`; whatever the caller's own functions throw.
 */
export function planConversion(
  contents: CheckpointContents,
  options: PlanOptions,
  bounds: PlanBounds,
): ConversionPlan {
  const { limits } = bounds
  const census = takeCensus(contents.value, limits)
  const root = chooseRoot(contents.value, census, options.root)
  const found = isContainer(root.value)
    ? nameTensors(root.value, census, limits)
    : [{ name: LONE_TENSOR_NAME, tensor: root.value }]
  const selected = selectTensors(found, options)
  const metadata = new Map(Object.entries(options.metadata ?? DEFAULT_METADATA))
  const { written, aliases } = resolveSharing(
    requireSupported(selected.kept, options.rename),
    options.shared ?? "alias",
    new Set(metadata.keys()),
  )
  for (const { dropped, kept } of aliases) metadata.set(dropped, kept)

  const header = writeHeader(written, metadata, limits)
  const byteLength = header.bytes.byteLength + header.dataByteLength
  requireWithin(
    { ...limits, outputFloorBytes: outputLimit(bounds) },
    "outputFloorBytes",
    byteLength,
    "output",
  )
  const segments: Segment[] = [
    { kind: "literal", start: 0, length: header.bytes.byteLength, bytes: header.bytes },
  ]
  const tensors: PlannedTensor[] = []
  for (const { tensor: named, start: startInData } of header.tensors) {
    const start = header.bytes.byteLength + startInData
    const segment = tensorSegment(named.tensor, contents.byteOrder, start)
    if (segment.length > 0) segments.push(segment)
    const { name, dtype, shape } = named
    const from = segment.kind === "copy" ? "copied" : "gathered"
    tensors.push({ name, dtype, shape, byteLength: segment.length, start, from })
  }
  const allTensors = isContainer(contents.value) ? (census.get(contents.value)?.tensorCount ?? 0) : 1
  const report = reportOf(contents, {
    options,
    root,
    byteLength,
    metadata,
    tensors,
    aliases,
    parameterCount: written.reduce((sum, { tensor }) => sum + tensor.elementCount, 0),
    outsideRoot: allTensors - found.length,
    filtered: selected.filtered,
  })
  const checkedExtents = report.checksums === "checked" ? extentsOf(segments) : []
  return { header: header.bytes, byteLength, segments, checkedExtents, report }
}

function selectTensors(
  found: readonly FoundTensor[],
  { include, exclude }: PlanOptions,
): { kept: readonly FoundTensor[]; filtered: readonly string[] } {
  if (include === undefined && exclude === undefined) return { kept: found, filtered: [] }
  const included = include === undefined ? () => true : compileFilter(include)
  const excluded = exclude === undefined ? () => false : compileFilter(exclude)
  const kept: FoundTensor[] = []
  const filtered: string[] = []
  for (const tensor of found) {
    if (included(tensor) && !excluded(tensor)) kept.push(tensor)
    else filtered.push(tensor.name)
  }
  if (kept.length > 0) return { kept, filtered }
  const problem = `none of the ${found.length} tensors under the root passes \`include\` and \`exclude\``
  throw new CheckpointError("no-tensors", { problem })
}

/** The tensors as they will be written; all that cannot be are named in one error. */
function requireSupported(
  found: readonly FoundTensor[],
  rename: ((name: string) => string) | undefined,
): readonly WrittenTensor[] {
  const unsupported: { name: string; reason: string }[] = []
  const written: WrittenTensor[] = []
  for (const { name, tensor } of found) {
    if (!isTensor(tensor)) {
      unsupported.push({ name, reason: `it is ${tensor.reason}` })
      continue
    }
    const target = targetOf(tensor)
    if (target === undefined) {
      unsupported.push({ name, reason: `safetensors has no dtype for ${tensor.dtype.name}` })
      continue
    }
    const newName = rename === undefined ? name : renamed(name, rename)
    written.push({ name: newName, tensor, ...target, byteLength: tensorByteLength(tensor) })
  }
  if (unsupported.length > 0) throw new CheckpointError("tensor-unsupported", { tensors: unsupported })
  return written
}

function renamed(name: string, rename: (name: string) => string): string {
  const newName: unknown = rename(name)
  if (typeof newName === "string") return newName
  throw new CheckpointError("invalid-argument", {
    argument: "rename",
    problem: `it returned a ${typeof newName}, not a string`,
  })
}

function outputLimit({ limits, inputByteLength }: PlanBounds): number {
  return limits.outputFloorBytes + limits.outputRatio * inputByteLength
}

/** The extents that segments draw from and that have a checksum, once each. */
function extentsOf(segments: readonly Segment[]): readonly ByteExtent[] {
  const extents = new Set<ByteExtent>()
  for (const segment of segments) {
    if (segment.kind !== "literal" && segment.extent.crc32 !== undefined) extents.add(segment.extent)
  }
  return [...extents]
}

interface ReportFacts {
  readonly options: PlanOptions
  readonly root: ChosenRoot
  readonly byteLength: number
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: readonly PlannedTensor[]
  readonly aliases: readonly Alias[]
  readonly parameterCount: number
  readonly outsideRoot: number
  readonly filtered: readonly string[]
}

function reportOf({ layout, hasChecksums }: CheckpointContents, facts: ReportFacts): ConversionReport {
  const { root, byteLength, tensors, aliases, parameterCount, outsideRoot, filtered } = facts
  const checksums = facts.options.verify === "none" ? "not-checked" : hasChecksums ? "checked" : "absent"
  return {
    layout,
    root: root.path,
    byteLength,
    tensorCount: tensors.length,
    parameterCount,
    metadata: metadataObject(facts.metadata),
    tensors,
    aliases,
    leftOut: { outsideRoot, filtered },
    checksums,
    warnings: warningsFor(checksums, layout),
  }
}

/** A null prototype: a dropped tensor may be called `__proto__`. */
function metadataObject(metadata: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const object: Record<string, string> = Object.create(null)
  for (const [key, value] of metadata) object[key] = value
  return object
}

function warningsFor(checksums: ConversionReport["checksums"], layout: string): readonly PlanWarning[] {
  if (checksums === "not-checked") {
    const message = "the bytes were not held against the archive's checksums, as asked"
    return [{ code: "checksums-not-checked", message }]
  }
  if (checksums === "checked" || layout === "legacy") return []
  const message = "the archive was saved without checksums: damage to the weights would not be noticed"
  return [{ code: "checksums-absent", message }]
}
