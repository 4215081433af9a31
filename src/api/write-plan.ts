/** Carries plans out: those of an open file, and those that were made elsewhere. */

import { invalidArgument } from "../bytes/failures.ts"
import type { SourceStore } from "../bytes/source-store.ts"
import type { Plan, PlanReport } from "../plan/plan.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import { quoteText } from "../text/quote-text.ts"
import type { Progress } from "../transfer/run-plan.ts"
import { abortSink, runPlan } from "../transfer/run-plan.ts"
import type { TransferPlan } from "../transfer/transfer-plan.ts"
import { transferPlan } from "../transfer/transfer-plan.ts"
import { bindExtents } from "./bind-plan.ts"
import { requireOptions } from "./check-options.ts"
import type { AccessOptions } from "./options.ts"
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

/** Runs a plan into an output, which is looked at before the plan is asked for. `inputs` must not be the output. */
export async function writeTo<Output>(
  platform: Platform<never, Output>,
  output: Output,
  inputs: readonly unknown[],
  options: WriteOptions,
  openPlan: () => Promise<TransferPlan>,
): Promise<void> {
  requireOptions(options)
  const { overwrite = false, signal, onProgress } = options
  const sink = await platform.openOutput(output, { overwrite, inputs, signal })
  let started = false
  try {
    const plan = await openPlan()
    started = true
    await runPlan(plan, sink, { crc32: platform.crc32, inflate: platform.inflate, signal, onProgress })
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
  try {
    await writeTo(platform, output, opened.given(names), options, async () => {
      const found = await opened.all(names)
      return transferPlan(plan, bindExtents(plan, found))
    })
  } catch (error) {
    await opened.close().catch(() => {})
    throw error
  }
  await opened.close()
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
