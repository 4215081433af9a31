/** Carries plans out: those of an open file, and those that were made elsewhere. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { closedAfter, invalidArgument } from "../bytes/failures.ts"
import { isNameBelow, type SourceStore } from "../bytes/source-store.ts"
import { urlOf } from "../http/http-options.ts"
import type { Limits } from "../limits/limits.ts"
import { withLimits } from "../limits/limits.ts"
import {
  type GatherSegment,
  inflatedBytesAllowed,
  type Plan,
  type PlanBounds,
  type PlannedExtent,
  type PlanReport,
  requireGatheredWithin,
  requireInflatedWithin,
  requireOutputWithin,
  type Segment,
} from "../plan/plan.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import { headerBytes } from "../safetensors/write-header.ts"
import { elementCountOf, type StridedView, spanOf } from "../strided/view.ts"
import { quoteText } from "../text/quote-text.ts"
import { abortSink, type Progress, runPlan } from "../transfer/run-plan.ts"
import { type TransferPlan, transferPlan } from "../transfer/transfer-plan.ts"
import { type AccessOptions, requireOptions } from "./options.ts"
import type { Platform } from "./platform.ts"

/** How to carry out a plan. */
export interface WriteOptions {
  /** Ends the work; its reason is what gets thrown. */
  readonly signal?: AbortSignal | undefined
  /** Called as bytes of the output are written. What it throws ends the work. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Whether a file that exists may be replaced. Default false. */
  readonly overwrite?: boolean | undefined
}

/** How to carry out a plan that was made elsewhere. */
export interface WritePlanOptions extends WriteOptions, AccessOptions {
  /**
   * Bounds on what the plan may ask for, laid over `DEFAULT_LIMITS`; they grow with the bytes of all sources together. A plan
   * that was made with wider ones needs them here too.
   */
  readonly limits?: Partial<Limits> | undefined
}

/**
 * Where a plan finds its sources: inputs by their names, a store, or the place that the names are looked up in: a URL whose
 * path ends in a slash, and in Node a folder.
 */
export type PlanSources<Input> =
  | ReadonlyMap<string, Input>
  | Readonly<Record<string, Input>>
  | SourceStore
  | URL
  | string

/** Runs a plan, and returns it. `output` is looked at before the plan is asked for; `inputs` must not be the output. */
export async function writeTo<Output, Bound extends TransferPlan>(
  platform: Platform<never, Output>,
  output: Output,
  inputs: readonly unknown[],
  options: WriteOptions,
  openPlan: () => Promise<Bound>,
): Promise<Bound> {
  requireOptions(options)
  const { overwrite = false, signal } = options
  const sink = await platform.openOutput(output, { overwrite, inputs, signal })
  let started = false
  try {
    const plan = await openPlan()
    started = true
    const { crc32, inflate } = platform
    await runPlan(plan, sink, { crc32, inflate, signal, onProgress: options.onProgress })
    return plan
  } catch (error) {
    // A stream that was given as output must not be left waiting.
    if (!started) await abortSink(sink, error)
    throw error
  }
}

/** Carries out a plan that was made elsewhere. Throws as `convert`; `invalid-argument` for sources that are others. */
export async function writePlan<Input, Output>(
  platform: Platform<Input, Output>,
  plan: Plan,
  sources: PlanSources<Input>,
  output: Output,
  options: WritePlanOptions,
): Promise<PlanReport> {
  const names = namesOf(plan)
  const opened = new OpenedByName(platform, sources, options)
  const open = async (): Promise<TransferPlan> => {
    const found = await opened.all(names)
    const inputByteLength = found.reduce((sum, { source }) => sum + source.byteLength, 0)
    return transferPlan(
      plan,
      bindExtents(plan, found, { limits: withLimits(options.limits), inputByteLength }),
    )
  }
  const write = () => writeTo(platform, output, opened.given(names), options, open)
  await closedAfter(() => opened.close(), write)
  return plan.report
}

/** @throws `invalid-argument` for what is no plan. */
function namesOf(plan: Plan): readonly string[] {
  const sources: unknown = plan?.sources
  const names = Array.isArray(sources) ? sources.map((source) => source?.name) : [undefined]
  if (names.every((name) => typeof name === "string")) return names
  throw badPlan("it has not the form of a plan")
}

/** Opens sources by the names that a plan has for them, and closes what it opened. */
class OpenedByName<Input> {
  readonly #platform: Platform<Input, never>
  readonly #options: WritePlanOptions
  readonly #sources: PlanSources<Input>
  readonly #inputs: ReadonlyMap<string, Input>
  #store: SourceStore | undefined
  readonly #close: (() => Promise<void>)[] = []

  constructor(platform: Platform<Input, never>, sources: PlanSources<Input>, options: WritePlanOptions) {
    this.#platform = platform
    this.#options = options
    this.#sources = sources
    this.#store = isStore(sources) ? sources : undefined
    const isList = typeof sources === "object" && !isStore(sources) && !(sources instanceof URL)
    this.#inputs = isList ? new Map(sources instanceof Map ? sources : Object.entries(sources)) : new Map()
  }

  /** The inputs as a caller would give them, where an output could be one of them. */
  given(names: readonly string[]): readonly unknown[] {
    const place = this.#sources
    const url = place instanceof URL ? place : urlOf(place)
    if (url === undefined && typeof place !== "string") return [...this.#inputs.values()]
    const inside = names.filter(isNameBelow)
    if (url === undefined) return inside.map((name) => `${place}/${name}`)
    return inside.map((name) => new URL(`${url.href}/${name.split("/").map(encodeURIComponent).join("/")}`))
  }

  async all(names: readonly string[]): Promise<readonly NamedSource[]> {
    const place = this.#sources
    if (typeof place === "string" || place instanceof URL) {
      const store = await this.#platform.openStore(place, this.#options)
      this.#store = store
      this.#close.push(() => store.close())
    }
    const found: NamedSource[] = []
    for (const name of names) found.push({ name, source: await this.#open(name) })
    return found
  }

  async #open(name: string): Promise<NamedSource["source"]> {
    const { signal } = this.#options
    const input = this.#inputs.get(name)
    if (input !== undefined) {
      const { source, close } = await this.#platform.openInput(input, this.#options)
      this.#close.push(close)
      return source
    }
    const source = await this.#store?.open(name, signal)
    if (source !== undefined) return source
    throw invalidArgument("sources", `there is none of the name ${quoteText(name)}`)
  }

  async close(): Promise<void> {
    for (const close of this.#close) await close()
  }
}

function isStore(sources: unknown): sources is SourceStore {
  return (
    typeof sources === "object" && sources !== null && "open" in sources && typeof sources.open === "function"
  )
}

/** Bytes that an element may have. */
const ITEM_BYTES: readonly number[] = [1, 2, 4, 8, 16]

const NEGATE: readonly unknown[] = ["none", "all", "real", "imaginary"]
const NEGATION: readonly unknown[] = ["sign-bit", "twos-complement", "float16", "bfloat16"]

/**
 * The extents of `plan` with their sources, which must be those that it was made for, as far as their lengths tell. A plan may
 * come out of a file: it is held to the form that plans have, and to the bounds of whoever carries it out.
 *
 * @throws `invalid-argument` for a plan that does not fit together, or that has extents which nobody has located;
 *   `limit-exceeded`.
 */
export function bindExtents(
  plan: Plan,
  sources: readonly NamedSource[],
  bounds: PlanBounds,
): readonly ByteExtent[] {
  requireForm(plan)
  for (const [index, { name, byteLength }] of plan.sources.entries()) {
    const found = sources[index]?.source.byteLength
    if (found === byteLength) continue
    throw badPlan(`${quoteText(name)} had ${byteLength} bytes, and the source of that name has ${found}`)
  }
  const extents = plan.extents.map((extent) => bindExtent(extent, sources[extent.source]?.source))
  for (const segment of plan.segments) requireInside(segment, extents, bounds)
  if (plan.checkedExtents.some((place) => extents[place] === undefined))
    throw badPlan("it checks what it does not have")
  requireOutputWithin(bounds, plan.byteLength)
  requireInflatedWithin(bounds, extents)
  requireGatheredWithin(bounds, plan.segments)
  if (plan.maxInflatedBytes > inflatedBytesAllowed(bounds))
    throw badPlan("it may inflate more than is allowed here")
  return extents
}

/** What is looked at one by one later is an object, and where it is looked for is a list. */
function requireForm(plan: Plan): void {
  const lists: readonly unknown[] = [plan?.sources, plan?.extents, plan?.segments]
  const areLists = lists.every((list) => Array.isArray(list) && list.every(isObject))
  if (!areLists || !Array.isArray(plan.checkedExtents)) throw badPlan("it has not the form of a plan")
  const { header, segments, byteLength, maxInflatedBytes } = plan
  const [first] = segments
  const isHeaded =
    typeof header === "string" &&
    first?.kind === "header" &&
    first.length === headerBytes(header).byteLength &&
    segments.slice(1).every(({ kind }) => kind !== "header")
  if (!isHeaded || !areCounts([byteLength, maxInflatedBytes]))
    throw badPlan("its header is not as long as it says")
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null
}

function bindExtent(extent: PlannedExtent, source: ByteSource | undefined): ByteExtent {
  const { offset, storedLength, byteLength, coding, crc32, name } = extent
  if (typeof name !== "string") throw badPlan("an extent has no name")
  if (offset === undefined) throw badPlan(`nobody has located ${quoteText(name)}: use \`locate\` before`)
  const isWhole = coding === "deflate" || (coding === "stored" && storedLength === byteLength)
  const fits = source !== undefined && areCounts([offset, storedLength, byteLength, crc32 ?? 0])
  if (!isWhole || !fits || offset + storedLength > source.byteLength) {
    throw badPlan(`${quoteText(name)} lies outside its source`)
  }
  return { source, offset, storedLength, byteLength, coding, crc32, name }
}

/** A segment must take what the extent has, and give what it says. */
function requireInside(segment: Segment, extents: readonly ByteExtent[], { limits }: PlanBounds): void {
  const { kind, start, length } = segment
  if (!areCounts([start, length])) throw badPlan("a segment has no length")
  if (kind === "header") return
  const available = extents[segment.extent]?.byteLength ?? -1
  if (kind === "copy") {
    const { offsetInExtent } = segment
    if (areCounts([offsetInExtent]) && offsetInExtent + length <= available) return
  } else if (kind === "gather" && isView(segment.view, limits.maxRank) && isTransform(segment)) {
    const { itemBytes, elementOffset, shape } = segment.view
    const end = (elementOffset + spanOf(segment.view)) * itemBytes
    if (end <= available && elementCountOf(shape) * itemBytes === length) return
  }
  throw badPlan("a segment lies outside its extent")
}

function isView(view: Partial<StridedView> | null | undefined, maxRank: number): boolean {
  const { itemBytes = 0, elementOffset = -1, shape, strides } = view ?? {}
  return (
    Array.isArray(shape) &&
    Array.isArray(strides) &&
    shape.length === strides.length &&
    shape.length <= maxRank &&
    areCounts([elementOffset, ...shape, ...strides]) &&
    !shape.includes(0) &&
    ITEM_BYTES.includes(itemBytes)
  )
}

function isTransform({ transform, view: { itemBytes } }: GatherSegment): boolean {
  if (transform === undefined) return true
  if (!isObject(transform)) return false
  const { partBytes, negate, negation } = transform
  const isPart = partBytes === itemBytes || 2 * partBytes === itemBytes
  return isPart && ITEM_BYTES.includes(partBytes) && NEGATE.includes(negate) && NEGATION.includes(negation)
}

function areCounts(values: readonly unknown[]): boolean {
  return values.every((value) => Number.isSafeInteger(value) && (value as number) >= 0)
}

function badPlan(problem: string): Error {
  return invalidArgument("plan", problem)
}
