/** Carries plans out: those of an open file, and those that were made elsewhere. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { closedAfter, invalidArgument } from "../bytes/failures.ts"
import type { SourceStore } from "../bytes/source-store.ts"
import type { Plan, PlannedExtent, PlanReport, Segment } from "../plan/plan.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import { elementCountOf, spanOf } from "../strided/view.ts"
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
  options: WriteOptions & AccessOptions,
): Promise<PlanReport> {
  const names = plan.sources.map(({ name }) => name)
  const opened = new OpenedByName(platform, sources, options)
  const open = async (): Promise<TransferPlan> =>
    transferPlan(plan, bindExtents(plan, await opened.all(names)))
  const write = () => writeTo(platform, output, opened.given(names), options, open)
  await closedAfter(() => opened.close(), write)
  return plan.report
}

/** Opens sources by the names that a plan has for them, and closes what it opened. */
class OpenedByName<Input> {
  readonly #platform: Platform<Input, never>
  readonly #options: AccessOptions & WriteOptions
  readonly #sources: PlanSources<Input>
  readonly #inputs: ReadonlyMap<string, Input>
  #store: SourceStore | undefined
  readonly #close: (() => Promise<void>)[] = []

  constructor(
    platform: Platform<Input, never>,
    sources: PlanSources<Input>,
    options: AccessOptions & WriteOptions,
  ) {
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
    if (typeof place === "string") return names.map((name) => `${place}/${name}`)
    return place instanceof URL ? names.map((name) => new URL(name, place)) : [...this.#inputs.values()]
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

/** Bytes of an element at most: a complex number of two float64. */
const MAX_ITEM_BYTES = 16

/**
 * The extents of `plan` with their sources, which must be those that it was made for, as far as their lengths tell.
 *
 * @throws `invalid-argument` for a plan that does not fit together, or that has extents which nobody has located.
 */
export function bindExtents(plan: Plan, sources: readonly NamedSource[]): readonly ByteExtent[] {
  for (const [index, { name, byteLength }] of plan.sources.entries()) {
    const found = sources[index]?.source.byteLength
    if (found === byteLength) continue
    throw badPlan(`${quoteText(name)} had ${byteLength} bytes, and the source of that name has ${found}`)
  }
  const extents = plan.extents.map((extent) => bindExtent(extent, sources[extent.source]?.source))
  for (const segment of plan.segments) requireInside(segment, extents)
  if (plan.checkedExtents.some((place) => extents[place] === undefined))
    throw badPlan("it checks what it does not have")
  return extents
}

function bindExtent(extent: PlannedExtent, source: ByteSource | undefined): ByteExtent {
  const { offset, storedLength, byteLength, coding, crc32, name } = extent
  if (offset === undefined) throw badPlan(`nobody has located ${quoteText(name)}: use \`locate\` before`)
  const isWhole = coding === "deflate" || (coding === "stored" && storedLength === byteLength)
  const fits = source !== undefined && areCounts(offset, storedLength, byteLength)
  if (!isWhole || !fits || offset + storedLength > source.byteLength) {
    throw badPlan(`${quoteText(name)} lies outside its source`)
  }
  return { source, offset, storedLength, byteLength, coding, crc32, name }
}

/** A segment must take what the extent has, and give what it says. */
function requireInside(segment: Segment, extents: readonly ByteExtent[]): void {
  const { kind, start, length } = segment
  if (!areCounts(start, length)) throw badPlan("a segment has no length")
  if (kind === "header") return
  const available = extents[segment.extent]?.byteLength ?? -1
  if (kind === "copy") {
    const { offsetInExtent } = segment
    if (areCounts(offsetInExtent) && offsetInExtent + length <= available) return
  } else if (kind === "gather") {
    const { itemBytes, elementOffset, shape, strides } = segment.view
    const isView =
      areCounts(itemBytes, elementOffset, ...shape, ...strides) &&
      shape.length === strides.length &&
      !shape.includes(0) &&
      itemBytes > 0 &&
      itemBytes <= MAX_ITEM_BYTES
    const end = isView ? (elementOffset + spanOf(segment.view)) * itemBytes : available + 1
    if (end <= available && elementCountOf(shape) * itemBytes === length) return
  }
  throw badPlan("a segment lies outside its extent")
}

function areCounts(...values: readonly number[]): boolean {
  return values.every((value) => Number.isSafeInteger(value) && value >= 0)
}

function badPlan(problem: string): Error {
  return invalidArgument("plan", problem)
}
