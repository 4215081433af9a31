/** Which of the names of one tensor the caller would keep, and whether the wish came to anything. */

import type { FoundTensor, NamedTensor } from "../tensors/tensor.ts"
import { quoteText } from "../text/quote-text.ts"
import type { NameFilter } from "./name-filter.ts"
import { compileFilter } from "./name-filter.ts"
import type { PlanWarning } from "./plan.ts"
import type { Alias } from "./resolve-sharing.ts"

export class KeepNames<Named extends NamedTensor> {
  /** Tensors whose names are kept rather than others. */
  readonly preferred: ReadonlySet<Named>
  readonly #keep: NameFilter
  readonly #found: readonly FoundTensor[]
  readonly #named: readonly Named[]

  /** `named` are the same tensors as `found`, one by one, under the names that they are written with. */
  constructor(keep: NameFilter, found: readonly FoundTensor[], named: readonly Named[]) {
    const { matches } = compileFilter(keep)
    this.#keep = keep
    this.#found = found
    this.#named = named
    this.preferred = new Set(named.filter((_, index) => matches(found[index] as FoundTensor)))
  }

  /** Those that no name of a tied tensor matches: most likely misspelt. */
  warnings(aliases: readonly Alias[]): readonly PlanWarning[] {
    const tied = new Set(aliases.flatMap(({ dropped, kept }) => [dropped, kept]))
    const found = this.#found.filter((_, index) => tied.has(this.#named[index]?.name ?? ""))
    const keep = this.#keep
    const wishes = typeof keep === "function" || typeof keep === "string" ? [keep] : keep
    return wishes
      .filter((wish) => !found.some(compileFilter(wish).matches))
      .map((wish) => {
        const what = typeof wish === "string" ? quoteText(wish) : "the function"
        return { code: "keep-unused", message: `nothing to keep: ${what} matches no name of a tied tensor` }
      })
  }
}
